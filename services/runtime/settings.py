"""What every service reads from its environment."""

from services.delivery.settings import DeliverySettings
from services.outbound.settings import TargetSettings
from services.queueing.settings import QueueSettings
from services.settings import Port
from services.task_types.settings import TaskTypeSettings


class ServiceSettings(QueueSettings, TaskTypeSettings):
    """What every service reads."""

    health_host: str = "127.0.0.1"
    health_port: Port = 8081
    """Where a service reports, to those who operate it, how it does and what it is doing."""


class ConsumingServiceSettings(ServiceSettings, DeliverySettings, TargetSettings):
    """What a service that consumes queues reads."""
