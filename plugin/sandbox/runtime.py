"""What a request needs: the running store. Views call `sandbox()`."""

from dataclasses import dataclass

from flask import current_app

from plugin.sandbox.admin_api.bulk import BulkRunner
from plugin.sandbox.admin_api.cost import Bucket
from plugin.sandbox.admin_api.faults import Faults
from plugin.sandbox.admin_api.request import Api
from plugin.sandbox.declaration import Declaration
from plugin.sandbox.settings import Settings
from plugin.sandbox.wire.courier import Courier
from plugin.sandbox.world import World


@dataclass(frozen=True)
class Sandbox:
    """The store's state, its flags, what the app declares, its webhooks, bulk queries and rate limit."""

    world: World
    settings: Settings
    declaration: Declaration
    courier: Courier
    bulk: BulkRunner
    bucket: Bucket
    api_faults: Faults


def sandbox() -> Sandbox:
    """The store that serves the current request."""
    running: Sandbox = current_app.extensions["sandbox"]
    return running


def build(settings: Settings, declaration: Declaration) -> Sandbox:
    """Open the state in the home and prepare the sender; nothing is started yet."""
    world = World(settings.home, seed=settings.seed, store_url=settings.store_url)
    world.subscriptions = frozenset(declaration.topics)
    courier = Courier(world, settings, declaration)
    return Sandbox(world, settings, declaration, courier, BulkRunner(world), Bucket(), Faults())


def start(store: Sandbox) -> None:
    """Begin to send webhooks and to run what a restart interrupted."""
    store.courier.start()
    store.bulk.resume(Api(store.world, store.settings, store.declaration))


def stop(store: Sandbox) -> None:
    """End the background work and close the state."""
    store.bulk.stop()
    store.courier.stop()
    store.world.close()
