"""The stack's commands: `python -m stack up`, or shorter `make up`."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from services.primitives.sqs_limits import LONGEST_DELAY_SECONDS
from services.streams.standard_streams import end_unread, run_command
from services.streams.whole_table import help_markup
from stack.commands.until_ctrl_c import until_ctrl_c
from stack.config import ROOT, DeploymentTarget, Machine, StackSettings
from stack.environment import host_environment
from stack.errors import StackError
from stack.mode import mode_of_running
from stack.running import required_settings, stopped_settings
from stack.terminal import say, say_aside, show_error, show_json

app = typer.Typer(
    help="Start, stop, look at and try the stack on this machine, and deploy it to AWS. "
    "Settings come from the environment, .env and stack/local.env; see .env.example.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=help_markup(),
)

ForceOption = Annotated[bool, typer.Option("--force", help="Even where messages are lost by it.")]
JsonOption = Annotated[bool, typer.Option("--json", help="As JSON.")]
StackNameOption = Annotated[str, typer.Option("--stack", metavar="NAME", help="The name of the CloudFormation stack.")]


@app.command(epilog="Example: python -m stack up")
def up(*, as_json: JsonOption = False) -> None:
    """Start the stack, in containers where a Docker engine answers, else natively; return when all is ready.

    MODE=native or MODE=containers forces one; MODE=lambda runs it as functions, by the template of AWS.
    """
    with _errors_shown():
        from stack.commands.up import up as start

        start(as_json=as_json)


@app.command(epilog="Example: python -m stack down")
def down(*, force: ForceOption = False, as_json: JsonOption = False) -> None:
    """Stop the stack. What is still in the queues is saved, and the next start brings it back.

    Where it cannot be saved LocalStack is not stopped, unless --force says so.
    """
    with _errors_shown():
        from stack.commands.down import down as stop

        stop(force=force, as_json=as_json)


@app.command(epilog="Example: python -m stack clean")
def clean(*, force: ForceOption = False, as_json: JsonOption = False) -> None:
    """Stop the stack and remove what it has on the container engine: containers, the receiver's data, the image.

    With another STACK_DIR, that of .stack as well. What is still in the queues is saved; where it cannot be nothing is
    removed, unless --force says so; nor where a stack that plain Compose took down has left something queued.
    """
    with _errors_shown():
        from stack.commands.clean import clean as stop_and_remove

        stop_and_remove(force=force, as_json=as_json)


@app.command(epilog="Example: python -m stack ps --watch")
def ps(
    *,
    watch: Annotated[bool, typer.Option("--watch", help="Go on until Ctrl-C, refreshed in place.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the services, what waits in the queues, and what the workers do now."""
    with _errors_shown():
        from stack.commands.overview import show_overview

        end_unread()
        settings = required_settings()
        if watch and as_json:
            raise StackError("--watch is for people: leave it out, or --json.")
        if watch:
            until_ctrl_c(lambda: show_overview(settings, watch=True, as_json=False))
        else:
            show_overview(settings, watch=False, as_json=as_json)


@app.command(epilog="Example: python -m stack logs --service api --follow")
def logs(
    service: Annotated[str | None, typer.Option(help="Only this service's.")] = None,
    *,
    follow: Annotated[bool, typer.Option("--follow", help="Go on until Ctrl-C.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Show the end of the services' logs, in the order of time.

    That LocalStack, or moto, has answered a request is shown with --service only. Of a stack that was stopped, and did
    not run in containers, the logs are kept.
    """

    def show() -> None:
        from stack.logs.command import LAST_LINES, show_logs

        settings = required_settings() if follow else _stopped() or required_settings()
        running = mode_of_running(settings.mode)
        batches = running.log_lines(settings, service or None, last=LAST_LINES, follow=follow)
        show_logs(batches, without_requests=not service, as_json=as_json)

    with _errors_shown():
        if follow:
            until_ctrl_c(show)
        else:
            end_unread()
            show()


@app.command(epilog="Example: python -m stack trace 6bc37fc0")
def trace(
    task: Annotated[str, typer.Argument(metavar="ID", help="A task's id, or how it begins.")],
    *,
    as_json: JsonOption = False,
) -> None:
    """Show one task's story, from the logs of all services: attempts, retries and why, deliveries, how it stands."""
    with _errors_shown():
        from stack.stories.trace import doubt, find_story, find_true_story, show_story

        end_unread()
        stopped = _stopped()
        settings = stopped or required_settings()
        read_logs = partial(mode_of_running(settings.mode).log_lines, settings, None, last=None, follow=False)
        # Who answers at the address of a LocalStack that was stopped is another stack's.
        story = find_story(task.strip(), read_logs()) if stopped else find_true_story(task.strip(), read_logs, settings)
        show_story(story, as_json=as_json)
        if not stopped and (line := doubt(story, settings)):
            say_aside(line)


@app.command(epilog="Example: python -m stack tail --failures")
def tail(
    task: Annotated[str, typer.Option(metavar="ID", help="Only of this task; how its id begins will do.")] = "",
    *,
    failures: Annotated[bool, typer.Option("--failures", help="Only what fails, for now or for good.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Follow what happens to tasks, across all services, until Ctrl-C."""

    def show() -> None:
        from stack.stories.tail import show_steps, steps_in

        settings = required_settings()
        batches = mode_of_running(settings.mode).log_lines(settings, None, last=0, follow=True)
        show_steps(steps_in(batches, beginning=task.strip(), failures_only=failures), as_json=as_json)

    with _errors_shown():
        until_ctrl_c(show)


@app.command(epilog="Example: python -m stack submit task.json --wait")
def submit(  # noqa: PLR0913, PLR0917  # a command has as many options as it has
    file: Annotated[
        str,
        typer.Argument(
            metavar="FILE",
            help="JSON: a request, or its items alone; - reads it. Left out, the example of --task-type.",
        ),
    ] = "",
    task_type: Annotated[str | None, typer.Option(help="Left out, the one that fits.")] = None,
    callback_url: Annotated[str | None, typer.Option(help="In place of the file's, or of the receiver's.")] = None,
    message_group_id: Annotated[str | None, typer.Option(help="Whose task it is: the header Message-Group-Id.")] = None,
    delay_seconds: Annotated[
        int, typer.Option(min=0, max=LONGEST_DELAY_SECONDS, help="Not to be begun before: the header Delay-Seconds.")
    ] = 0,
    timeout: Annotated[float, typer.Option(min=0, help="Seconds that --wait waits, beyond the delay.")] = 60,
    *,
    wait: Annotated[bool, typer.Option("--wait", help="Wait for the callback, and show it.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Post a task to the running stack. Without a callback_url its outcome goes to the receiver."""
    with _errors_shown():
        from stack.tryout import submit as command
        from stack.tryout.task_request import queued

        settings = required_settings()
        request = queued(command.read_request(file, settings, task_type, callback_url), message_group_id, delay_seconds)
        if not command.submit(request, settings, timeout if wait else None, as_json=as_json):
            raise typer.Exit(1)


@app.command(epilog="Example: python -m stack demo")
def demo(*, as_json: JsonOption = False) -> None:
    """Submit a task of each kind and show what becomes of it; fail where it is not as expected.

    Where the stack is not up, it is started first.
    """
    with _errors_shown():
        from stack.commands.up import brought_up
        from stack.tryout import demo as command
        from stack.tryout import demo_view

        settings = brought_up(say_aside if as_json else say)
        trials = command.demo(settings)
        done = list(trials) if as_json else demo_view.show_trials(settings, trials)
        if as_json:
            show_json([tried.as_json() for tried in done])
        if not all(tried.passed for tried in done):
            raise typer.Exit(1)


@app.command(epilog="Example: python -m stack new invoice-pdf")
def new(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Of its first task type.")],
    package: Annotated[str | None, typer.Option(help="Its package; left out, the name with underscores.")] = None,
    directory: Annotated[Path | None, typer.Option(help="Its folder; left out, NAME beside this clone.")] = None,
    *,
    as_json: JsonOption = False,
) -> None:
    """Write a project of your own task types, which uses this clone and changes nothing of it."""
    with _errors_shown():
        from stack.commands.new import new as write

        write(name, package or None, directory, as_json=as_json)


# What follows is the other program's to read, --help included.
@app.command(
    context_settings={"ignore_unknown_options": True, "help_option_names": []},
    epilog="Example: python -m stack dlq list undelivered",
)
def dlq(arguments: Annotated[list[str] | None, typer.Argument(help="As for `python -m services.dlq`.")] = None) -> None:
    """Look at what has failed for good in the running stack, and redrive it: `dlq --help` says how."""
    with _errors_shown():
        environment = host_environment(required_settings())
        os.chdir(ROOT)
        # It takes over this process, its terminal and its signals.
        os.execve(sys.executable, [sys.executable, "-m", "services.dlq", *(arguments or [])], environment)  # noqa: S606


@app.command(epilog="Example: python -m stack generate --check")
def generate(
    *,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; fail where one is stale.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Write the files that follow from the code: the queues for LocalStack, parts of docker-compose.yml, aws/."""
    with _errors_shown():
        from stack.commands import generate as files

        stale = list(files.stale_files()) if check else files.generate()
        if as_json:
            show_json({"stale" if check else "written": [str(path.relative_to(ROOT)) for path in stale]})
        if check and stale:
            raise StackError(f"Not in sync with the code: {files.names(stale)}. Run `make generate`.")
        if not as_json:
            say("All generated files are in sync." if not stale else f"Written: {files.names(stale)}.")


@app.command(epilog="Example: python -m stack deploy --target lambda --stack tasks --dry-run")
def deploy(  # noqa: PLR0913  # each is an option of the command
    target: Annotated[
        DeploymentTarget,
        typer.Option(
            help="lambda: the services as functions of AWS Lambda. containers: the services on ECS with Fargate."
            " receiver: the receiver alone, as a function, for a first try."
        ),
    ],
    stack: StackNameOption,
    machine: Annotated[Machine, typer.Option(help="What they run on.")] = "x86_64",
    parameters: Annotated[
        list[str] | None,
        typer.Option(
            "--parameter",
            metavar="NAME=VALUE",
            help="One of the template's parameters, as AlarmTopicArn; what is not given again stays. May be repeated.",
        ),
    ] = None,
    *,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would change, and change nothing.")] = False,
    as_json: JsonOption = False,
) -> None:
    """Deploy to AWS, or to what AWS_ENDPOINT_URL names; return when all of it is there, and say where.

    Settings come from the shell and .env; credentials and the region from the shell, as for AWS's own CLI.
    API_KEYS, CALLBACK_SIGNING_SECRET and SLACK_BOT_TOKEN are stored in AWS Secrets Manager, where those stay that are
    not set again.
    """
    with _errors_shown():
        from stack.commands.deploy import DeploymentRequest
        from stack.commands.deploy import deploy as bring

        bring(DeploymentRequest(stack, target, machine, parameters or ()), dry_run=dry_run, as_json=as_json)


@app.command(epilog="Example: python -m stack undeploy --stack tasks")
def undeploy(stack: StackNameOption, *, force: ForceOption = False, as_json: JsonOption = False) -> None:
    """Remove from AWS what `deploy` has brought there: queues, functions or containers, logs, alarms and secrets.

    Where messages are in the queues nothing is removed, unless --force says so.
    """
    with _errors_shown():
        from stack.commands.undeploy import undeploy as remove

        remove(stack, force=force, as_json=as_json)


def _stopped() -> StackSettings | None:
    """The settings of a stack that was stopped, whose logs are read then; that it is not up is said."""
    settings = stopped_settings()
    if settings:
        say_aside("The stack is not up: the logs are those of its last run.")
    return settings


@contextmanager
def _errors_shown() -> Iterator[None]:
    """Turn a `StackError` into its line and exit code 1."""
    try:
        yield
    except StackError as error:
        show_error(error)
        raise typer.Exit(1) from None
    except OSError as error:
        # Of a file that cannot be read, or of the system itself: too many open files, no process any more.
        show_error(StackError(f"It cannot go on: {error}."))
        raise typer.Exit(1) from None
    except KeyboardInterrupt:
        raise typer.Exit(130) from None


if __name__ == "__main__":
    run_command(app)
