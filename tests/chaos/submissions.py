"""What the load consists of: tasks of every kind, each with the outcomes that are right for it."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import ROUND_HALF_UP, Decimal
from random import Random
from typing import Any

Item = dict[str, Any]
Body = dict[str, Any]
Check = Callable[[Body], str | None]
"""What is wrong with the body of a task that was done; None where it is right."""


_ALWAYS = 99
_ONCE = "single-attempt"
"""The task type whose work must not be repeated."""


@dataclass(frozen=True, slots=True)
class Work:
    """What a task is to do."""

    kind: str
    route: str
    message: Sequence[Item]
    problem_of: Check
    must_fail: bool = False
    """Whether it fails for good, of itself."""
    is_repeatable: bool = False
    """Whether the same work has the same results, to the byte."""
    is_lethal: bool = False
    """Whether it kills the process that does it, so that nobody can say why it fails."""
    only_probe: str = ""
    """Of work that must not be repeated: by which id it reports each of its attempts."""


@dataclass(frozen=True, slots=True)
class Callback:
    """Where the outcome goes, and whether anybody takes it there sooner or later."""

    url: str
    takes: bool


@dataclass(frozen=True, slots=True)
class Submission:
    """A task as the client posts it."""

    work: Work
    callback: Callback

    @property
    def request(self) -> dict[str, Any]:
        """The request's body."""
        return {"callback_url": self.callback.url, "message": list(self.work.message)}


@dataclass(frozen=True, slots=True)
class Addresses:
    """What the tasks may call."""

    receiver_url: str
    unreachable_url: str
    """Where nobody ever listens."""
    task_timeout_seconds: float

    @property
    def callback_url(self) -> str:
        """The receiver's inbox, which misbehaves on demand."""
        return f"{self.receiver_url}/callback"

    @property
    def source_url(self) -> str:
        """The receiver's sample data source."""
        return f"{self.receiver_url}/source"


Kind = tuple[Callable[[Random, Addresses], Work], int]
"""What makes a task, and how often it is among others."""


def make_submissions(seed: int, count: int, addresses: Addresses, kinds: Sequence[Kind]) -> list[Submission]:
    """Return so many tasks, each of a kind and with a callback drawn at random; the same for the same seed."""
    random = Random(seed)  # noqa: S311  # the point is to be repeatable
    callbacks = _callbacks(addresses)
    callback_weights = [weight for _, weight in callbacks]
    makers = random.choices([make for make, _ in kinds], [weight for _, weight in kinds], k=count)
    chosen = random.choices([callback for callback, _ in callbacks], callback_weights, k=count)
    return [Submission(make(random, addresses), callback) for make, callback in zip(makers, chosen, strict=True)]


def _callbacks(addresses: Addresses) -> list[tuple[Callback, int]]:
    inbox = addresses.callback_url
    return [
        (Callback(inbox, takes=True), 68),
        (Callback(f"{inbox}?status=503&times=1", takes=True), 5),
        (Callback(f"{inbox}?status=500&times=4", takes=True), 7),
        (Callback(f"{inbox}?status=429&times=2&retry_after=1", takes=True), 5),
        (Callback(f"{inbox}?status=302&times=1", takes=True), 2),
        (Callback(f"{inbox}?delay=0.5", takes=True), 4),
        (Callback(f"{inbox}?status=410", takes=False), 3),
        (Callback(f"{inbox}?status=500", takes=False), 3),
        (Callback(addresses.unreachable_url, takes=False), 3),
    ]


def _calculation(random: Random, _addresses: Addresses) -> Work:
    operands = [(random.randint(-(10**6), 10**6), random.randint(1, 10**4)) for _ in range(random.randint(1, 4))]
    items: list[Item] = [
        {"name": f"c{number}", "num_1": num_1, "num_2": num_2, "operation": random.choice("+-*/"), "result_rounding": 3}
        for number, (num_1, num_2) in enumerate(operands)
    ]
    by_zero = {"name": "by_zero", "num_1": 1, "num_2": 0, "operation": "/", "result_rounding": 0}
    expected: Body = {
        "results": [{item["name"]: calculated(item)} for item in items],
        "errors": [{"by_zero": "division by zero"}],
    }

    def problem_of(body: Body) -> str | None:
        results = [{name: Decimal(str(value)) for name, value in each.items()} for each in body["results"]]
        if results == expected["results"] and body["errors"] == expected["errors"]:
            return None
        return f"{expected} was expected"

    return Work("calculation", "/v1/calculation/basic", [*items, by_zero], problem_of, is_repeatable=True)


def calculated(item: Item) -> Decimal:
    """The result, reckoned here anew."""
    num_1, num_2 = Decimal(item["num_1"]), Decimal(item["num_2"])
    results = {"+": num_1 + num_2, "-": num_1 - num_2, "*": num_1 * num_2, "/": num_1 / num_2}
    return results[item["operation"]].quantize(Decimal(1).scaleb(-item["result_rounding"]), ROUND_HALF_UP)


def _data(random: Random, addresses: Addresses) -> Work:
    nonce = random.randrange(10**9)
    url = addresses.source_url
    items: list[Item] = [
        {"name": "posted", "url": url, "method": "POST", "payload": {"nonce": nonce}},
        {"name": "got", "url": f"{url}?delay=0.1"},
        {"name": "missing", "url": f"{url}?status=404"},
        {"name": "text", "url": f"{url}?text=no"},
    ]
    payloads = {"posted": {"nonce": nonce}, "got": None}

    def problem_of(body: Body) -> str | None:
        results = {name: value for each in body["results"] for name, value in each.items()}
        errors = {name: reason for each in body["errors"] for name, reason in each.items()}
        if results.keys() | errors.keys() != {item["name"] for item in items} or results.keys() & errors.keys():
            return "each item must be in results or in errors"
        # The source fails with the receiver, which is then an item's error.
        if any(name not in payloads or value["payload"] != payloads[name] for name, value in results.items()):
            return f"the source was posted {payloads}, and the other two answer no JSON"
        return None if all(errors.values()) else "an error has no reason"

    return Work("data", "/v1/data/from-api", items, problem_of)


def _fails_at_first(random: Random, addresses: Addresses) -> Work:
    return _on_demand("unreliable", "fails at first", random, addresses, fail_attempts=random.randint(1, 2))


def _is_slow(random: Random, addresses: Addresses) -> Work:
    return _on_demand("unreliable", "is slow", random, addresses, hold_seconds=addresses.task_timeout_seconds / 2)


def _always_fails(random: Random, addresses: Addresses) -> Work:
    return _on_demand("unreliable", "always fails", random, addresses, must_fail=True, fail_attempts=_ALWAYS)


def _hangs(random: Random, addresses: Addresses) -> Work:
    return _on_demand("unreliable", "hangs", random, addresses, must_fail=True, hold_seconds=60)


def _has_one_attempt(random: Random, addresses: Addresses) -> Work:
    return _on_demand(_ONCE, "has one attempt", random, addresses, hold_seconds=random.choice((0, 0.5)))


def _fails_its_one_attempt(random: Random, addresses: Addresses) -> Work:
    return _on_demand(_ONCE, "fails its one attempt", random, addresses, must_fail=True, fail_attempts=_ALWAYS)


def _kills_its_process(random: Random, addresses: Addresses) -> Work:
    return _on_demand("unreliable", "kills its process", random, addresses, is_lethal=True, kills_worker=True)


def _kills_at_its_one_attempt(random: Random, addresses: Addresses) -> Work:
    return _on_demand(_ONCE, "kills at its one attempt", random, addresses, is_lethal=True, kills_worker=True)


def _on_demand(  # noqa: PLR0913  # what the task type takes comes besides
    task_type: str,
    kind: str,
    random: Random,
    addresses: Addresses,
    *,
    must_fail: bool = False,
    is_lethal: bool = False,
    **item: Any,
) -> Work:
    """A task of a type that fails as its items say (see tests/end_to_end/task_types)."""
    # With a status of its own the URL is none of those that a misbehaving receiver refuses.
    probe_url = f"{addresses.callback_url}?status=200"
    probe = {"name": "it", "probe_url": probe_url, "probe_id": f"probe-{random.randrange(10**12)}"}

    def problem_of(body: Body) -> str | None:
        if must_fail or is_lethal:
            return "it must fail for good"
        attempt = body["results"][0]["it"]
        return None if attempt > item.get("fail_attempts", 0) else f"attempt {attempt} must fail"

    only_probe = str(probe["probe_id"]) if task_type == _ONCE else ""
    route = f"/v1/tests/{task_type}"
    return Work(kind, route, [probe | item], problem_of, must_fail, is_lethal=is_lethal, only_probe=only_probe)


KINDS: Sequence[Kind] = (
    (_calculation, 45),
    (_data, 25),
    (_fails_at_first, 8),
    (_is_slow, 3),
    (_always_fails, 6),
    (_hangs, 2),
    (_has_one_attempt, 6),
    (_fails_its_one_attempt, 5),
)
LETHAL_KINDS: Sequence[Kind] = ((_kills_its_process, 2), (_kills_at_its_one_attempt, 2))
"""Those that kill the process of a worker, with whatever it works beside them."""
