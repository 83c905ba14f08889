"""How deliveries are answered when the receiver is to misbehave: by their URL, or all of them for a while."""

import math
import time
from collections.abc import Callable
from http import HTTPStatus
from typing import Annotated, Self

from fastapi import APIRouter, Depends, HTTPException, Request
from pydantic import BaseModel, ConfigDict, Field, model_validator

from receiver.broken_answers import Fault
from receiver.dependencies import CanStream, Delay, StoreOfApp
from receiver.store import ALWAYS

router = APIRouter(prefix="/misbehaviour", tags=["callbacks"])


class Misbehaviour(BaseModel):
    """How a delivery is to be answered, for demonstration."""

    status: int = Field(default=200, ge=200, le=599, description="Answer with this status")
    times: int = Field(
        default=ALWAYS, ge=0, le=ALWAYS, description="Only the first so many deliveries of each task; left out: all"
    )
    delay: Delay = 0
    retry_after: int | None = Field(default=None, ge=0, description="Seconds for a refusal's Retry-After header")
    hang: bool = Field(default=False, description="Never answer; ends when the client leaves or the receiver stops")
    close: bool = Field(default=False, description="Reset the connection in the middle of the answer")
    drip: bool = Field(default=False, description="Answer a byte a second without end")

    @model_validator(mode="after")
    def _is_consistent(self) -> Self:
        asked = self.model_fields_set
        if "retry_after" in asked and "status" not in asked:
            raise ValueError("retry_after needs a status")
        if "times" in asked and not asked & {"status", "delay", "hang", "close", "drip"}:
            raise ValueError("times needs a status, delay, hang, close or drip")
        if len(asked & {"status"}) + self.hang + self.close + self.drip > 1:
            raise ValueError("only one of status, hang, close and drip can be had")
        return self

    @property
    def fault(self) -> Fault | None:
        """What is wrong with the answer as such."""
        faults: dict[Fault, bool] = {"hang": self.hang, "close": self.close, "drip": self.drip}
        return next((fault for fault, asked in faults.items() if asked), None)


class StandingMisbehaviour(Misbehaviour):
    """How all deliveries are to be answered whose URL asks for nothing."""

    model_config = ConfigDict(extra="forbid")

    deliveries: int | None = Field(default=None, ge=1, description="Only the next so many, of whatever task")
    seconds: float | None = Field(default=None, gt=0, le=86_400, description="Only for so long from now")


class Standing:
    """The misbehaviour that stands until it is used up, over, or lifted; a restart lifts it too."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._current: StandingMisbehaviour | None = None
        self._ends_at = math.inf

    def order(self, misbehaviour: StandingMisbehaviour) -> None:
        """Put it in place of what stood before."""
        self._current = misbehaviour
        self._ends_at = self._clock() + (misbehaviour.seconds or math.inf)

    def lift(self) -> None:
        """Take all deliveries again."""
        self._current = None

    def current(self) -> StandingMisbehaviour | None:
        """What stands now, with what is left of its deliveries and seconds."""
        left = self._ends_at - self._clock()
        if self._current is None or left <= 0:
            return None
        return self._current.model_copy(update={"seconds": left} if self._current.seconds else {})

    def take(self) -> Misbehaviour:
        """Count one delivery against what stands, and return how it is to be answered."""
        current = self.current()
        if current is None:
            return Misbehaviour()
        if current.deliveries == 1:
            self.lift()
        elif current.deliveries:
            self._current = current.model_copy(update={"deliveries": current.deliveries - 1})
        return current


def ensure_it_can_be_had(misbehaviour: Misbehaviour, *, can_stream: bool) -> None:
    """Raise HTTPException where an answer is to be broken that can go out as a whole alone."""
    if misbehaviour.fault and not can_stream:
        detail = f"{misbehaviour.fault} needs a connection of the receiver's own, which a function's URL does not have"
        raise HTTPException(HTTPStatus.NOT_IMPLEMENTED, detail)


async def _standing(request: Request) -> Standing:
    standing: Standing = request.app.state.standing
    return standing


StandingOfApp = Annotated[Standing, Depends(_standing)]


@router.get("", summary="Show how all deliveries are answered", response_model_exclude_unset=True)
async def get_misbehaviour(standing: StandingOfApp) -> StandingMisbehaviour | None:
    """What stands now, with what is left of its deliveries and seconds; null where deliveries are taken."""
    return standing.current()


@router.put(
    "",
    summary="Misbehave to all deliveries",
    response_model_exclude_unset=True,
    responses={501: {"description": "The receiver is a function, whose answers cannot be broken"}},
)
async def put_misbehaviour(
    misbehaviour: StandingMisbehaviour, standing: StandingOfApp, store: StoreOfApp, can_stream: CanStream
) -> StandingMisbehaviour:
    """From now on answer so every delivery whose URL asks for nothing, in place of what stood before."""
    ensure_it_can_be_had(misbehaviour, can_stream=can_stream)
    standing.order(misbehaviour)
    await store.add_change("misbehaviour")
    return misbehaviour


@router.delete("", summary="Take all deliveries again", status_code=204)
async def delete_misbehaviour(standing: StandingOfApp, store: StoreOfApp) -> None:
    """Lift what stands."""
    standing.lift()
    await store.add_change("misbehaviour")
