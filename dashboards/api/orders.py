"""Operators' orders over HTTP: the only addresses that change anything."""

from datetime import UTC, datetime
from typing import Annotated, ClassVar
from uuid import uuid4

from fastapi import APIRouter, Request
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from connectors.audit import Entry, Outcome, write_audit
from connectors.commands import send_commands, wait_for_answers
from connectors.database import connect, space_url
from dashboards.api.access.asked import Who, check_role
from dashboards.api.access.audit import entry
from dashboards.api.access.user import GIVEN_BY
from dashboards.api.context import Context
from dashboards.api.openapi import Answer
from dashboards.api.problems import ProblemError
from schemas.command import NEED_REASON, WITHOUT_NUL, AlarmId, Command, Order

# A worker answers within a second; one that is away obeys when it is back.
ANSWER_S = 8.0


class Ordered(BaseModel):
    """One order of some alarms."""

    model_config = ConfigDict(
        extra="forbid",
        json_schema_extra={"examples": [{"order": "acknowledge", "alarms": [7], "actor": "Айгерім", "reason": ""}]},
    )

    order: Order
    alarms: Annotated[list[AlarmId], Field(min_length=1, max_length=500)]
    actor: Annotated[
        str,
        Field(max_length=200, description="Who gives it, where nobody is asked; else it is who has the token."),
        WITHOUT_NUL,
    ] = ""
    reason: Annotated[str, Field(max_length=2000), WITHOUT_NUL] = ""
    minutes: Annotated[int | None, Field(gt=0, le=43_200, description="For how long, of shelve.")] = None
    approver: Annotated[str, Field(max_length=200, description="Who has approved it, of remove."), WITHOUT_NUL] = ""


class Answered(Answer):
    """What came of it, alarm by alarm."""

    EXAMPLE: ClassVar = {"alarm": 7, "done": True, "answer": "alarm 7 (TRIP facility/GRES1) is ACKED"}

    alarm: int
    done: Annotated[bool | None, Field(description="null: no answer yet; it is obeyed when a worker runs.")]
    answer: str


def router(context: Context) -> APIRouter:
    """The addresses of orders."""
    routes = APIRouter(tags=["orders"])
    settings = context.settings

    @routes.post("/orders", summary="Acknowledge, shelve, comment …")
    def orders(request: Request, asked: Ordered, user: Who) -> list[Answered]:
        check_role(user, GIVEN_BY[asked.order], asked.order)
        actor = user.name or asked.actor
        if not actor.strip():
            raise ProblemError(422, "body.actor: say who gives the order")
        if asked.order in NEED_REASON and not asked.reason.strip():
            raise ProblemError(422, f"reason: {asked.order} must say why")
        now = datetime.now(UTC)
        given = asked.model_dump(exclude={"alarms"}) | {"actor": actor}
        try:
            commands = [Command(command_id=uuid4(), sent_at=now, alarm_id=alarm, **given) for alarm in asked.alarms]
        except ValidationError as error:
            # What the body says has been looked at: it is the name in the token.
            raise ProblemError(422, f"{error.errors()[0]['loc'][0]}: {error.errors()[0]['msg']}") from None

        def said(command: Command, outcome: Outcome, **detail: object) -> Entry:
            detail["command_id"] = str(command.command_id)
            return entry(request, actor, user.subject, command.order, f"alarm {command.alarm_id}", outcome, **detail)

        with connect(space_url(settings.database, settings.space)) as connection:
            # Before it is sent: an order that nobody could write down is not given.
            write_audit(connection, [said(command, "given", reason=command.reason) for command in commands])
            send_commands(settings.kafka, settings.space, commands)
            answers = {one.command_id: one for one in wait_for_answers(connection, commands, ANSWER_S)}
            found = [(command, answers.get(command.command_id)) for command in commands]
            write_audit(
                connection,
                [
                    said(command, "refused", why=answer.answer)
                    for command, answer in found
                    if answer and not answer.done
                ],
            )
        waiting = "no answer yet; it stands on the topic and is obeyed when a worker runs"
        return [
            Answered(alarm=command.alarm_id, done=answer.done, answer=answer.answer)
            if answer is not None
            else Answered(alarm=command.alarm_id, done=None, answer=waiting)
            for command, answer in found
        ]

    return routes
