"""What `make deploy` knows, by name."""

from stack.aws.containers_target import Containers
from stack.aws.functions_target import Functions
from stack.aws.receiver_target import ReceiverFunction
from stack.aws.target import TargetOnAws
from stack.config import DeploymentTarget, Machine


def target_on_aws(name: DeploymentTarget, machine: Machine) -> TargetOnAws:
    """Return the target of that name, for that kind of machine."""
    match name:
        case "lambda":
            return Functions(machine)
        case "containers":
            return Containers(machine)
        case "receiver":
            return ReceiverFunction(machine)
