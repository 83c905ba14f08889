"""A registry of images with the API of AWS's, ECR, as Docker and AWS's SDK use both; images last as long as it runs,
on the engine too.

https://docs.aws.amazon.com/AmazonECR/latest/APIReference
https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

import base64
import hashlib
import itertools
import json
import subprocess
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from stack.ports import free_port

_CREDENTIALS = base64.b64encode(b"AWS:a-password-of-12-hours").decode()


class ImageRegistry:
    """Its repositories, their tags, and what was pushed to them."""

    def __init__(self, address: str) -> None:
        self.address = address
        self.tags_of: dict[str, list[dict[str, str]]] = {}
        self.policies: dict[str, Any] = {}
        self.images: dict[str, list[str]] = {}
        """Of each repository, by their tags."""
        self.refuses_pushes = False
        self._blobs: dict[str, bytes] = {}
        self._uploads: dict[str, bytes] = {}
        self._numbers = itertools.count()
        self._actions: dict[str, Callable[[Any], Any]] = {
            "DescribeRepositories": self._describe,
            "CreateRepository": self._create,
            "PutLifecyclePolicy": self._keep,
            "ListTagsForResource": lambda asked: {"tags": self.tags_of[asked["resourceArn"].rpartition("/")[2]]},
            "DeleteRepository": self._delete,
            "GetAuthorizationToken": lambda _: {"authorizationData": [{"authorizationToken": _CREDENTIALS}]},
        }

    @property
    def app(self) -> Starlette:
        upload = "/v2/{name}/blobs/uploads/{number}"
        return Starlette(
            routes=[
                Route("/", self._ecr, methods=["POST"]),
                Route("/v2/", self._sign_in),
                Route("/v2/{name}/blobs/uploads/", self._begin, methods=["POST"]),
                Route(upload, self._take, methods=["PATCH"]),
                Route(upload, self._finish, methods=["PUT"]),
                Route("/v2/{name}/blobs/{digest}", self._blob, methods=["HEAD"]),
                Route("/v2/{name}/manifests/{reference}", self._manifest, methods=["PUT"]),
            ]
        )

    async def _ecr(self, request: Request) -> Response:
        action = request.headers["x-amz-target"].rpartition(".")[2]
        asked = await request.json()
        name = (asked.get("repositoryNames") or [asked.get("repositoryName")])[0]
        if action in {"DescribeRepositories", "DeleteRepository"} and name not in self.tags_of:
            return JSONResponse({"__type": "RepositoryNotFoundException", "message": name}, 400)
        return JSONResponse(self._actions[action](asked))

    def _describe(self, asked: Any) -> Any:
        return {"repositories": [self._repository(name) for name in asked["repositoryNames"]]}

    def _create(self, asked: Any) -> Any:
        self.tags_of[asked["repositoryName"]] = asked["tags"]
        return {"repository": self._repository(asked["repositoryName"])}

    def _keep(self, asked: Any) -> Any:
        self.policies[asked["repositoryName"]] = json.loads(asked["lifecyclePolicyText"])
        return {}

    def _delete(self, asked: Any) -> Any:
        name = asked["repositoryName"]
        assert asked["force"] or not self.images.get(name)
        del self.tags_of[name]
        self.images.pop(name, None)
        return {"repository": self._repository(name)}

    def _repository(self, name: str) -> dict[str, str]:
        return {
            "repositoryName": name,
            "repositoryArn": f"arn:aws:ecr:eu-central-1:000000000000:repository/{name}",
            "repositoryUri": f"{self.address}/{name}",
        }

    async def _sign_in(self, request: Request) -> Response:
        if request.headers.get("authorization") == f"Basic {_CREDENTIALS}":
            return JSONResponse({})
        return JSONResponse({}, 401, {"www-authenticate": 'Basic realm="images"'})

    async def _begin(self, request: Request) -> Response:
        number = str(next(self._numbers))
        self._uploads[number] = b""
        return self._going_on(request, number)

    async def _take(self, request: Request) -> Response:
        number = request.path_params["number"]
        self._uploads[number] += await request.body()
        return self._going_on(request, number)

    async def _finish(self, request: Request) -> Response:
        blob = self._uploads.pop(request.path_params["number"]) + await request.body()
        digest = f"sha256:{hashlib.sha256(blob).hexdigest()}"
        assert request.query_params["digest"] == digest
        self._blobs[digest] = blob
        return Response(status_code=201, headers={"location": f"/v2/blobs/{digest}", "docker-content-digest": digest})

    async def _blob(self, request: Request) -> Response:
        blob = self._blobs.get(request.path_params["digest"])
        if blob is None:
            return Response(status_code=404)
        return Response(headers={"content-length": str(len(blob))})

    async def _manifest(self, request: Request) -> Response:
        if self.refuses_pushes:
            return JSONResponse({"errors": [{"code": "DENIED", "message": "no room for images"}]}, 403)
        manifest = await request.body()
        parts = json.loads(manifest)
        assert all(part["digest"] in self._blobs for part in [parts["config"], *parts["layers"]])
        self.images.setdefault(request.path_params["name"], []).append(request.path_params["reference"])
        digest = f"sha256:{hashlib.sha256(manifest).hexdigest()}"
        return Response(status_code=201, headers={"docker-content-digest": digest})

    def _going_on(self, request: Request, number: str) -> Response:
        location = f"/v2/{request.path_params['name']}/blobs/uploads/{number}"
        size = len(self._uploads[number])
        return Response(status_code=202, headers={"location": location, "range": f"0-{max(size - 1, 0)}"})


@contextmanager
def running_registry() -> Iterator[ImageRegistry]:
    """One on this machine, where Docker speaks HTTP."""
    port = free_port()
    registry = ImageRegistry(f"127.0.0.1:{port}")
    server = uvicorn.Server(uvicorn.Config(registry.app, port=port, lifespan="off", log_config=None, log_level="error"))
    thread = threading.Thread(target=server.run)
    thread.start()
    try:
        yield registry
    finally:
        server.should_exit = True
        thread.join()
        _remove_images(registry.address)


def _remove_images(address: str) -> None:
    """Remove from the engine what was made to be pushed there."""
    listed = ["docker", "image", "ls", "--filter", f"reference={address}/*", "--format", "{{.Repository}}:{{.Tag}}"]
    if images := subprocess.run(listed, capture_output=True, text=True, check=True).stdout.split():  # noqa: S603
        subprocess.run(["docker", "image", "rm", *images], capture_output=True, check=True)  # noqa: S603, S607
