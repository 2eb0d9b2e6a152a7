"""What a request needs: the running store. Views call `sandbox()`."""

from dataclasses import dataclass

from flask import current_app

from plugin.sandbox.declaration import Declaration
from plugin.sandbox.settings import Settings
from plugin.sandbox.wire.courier import Courier
from plugin.sandbox.world import World


@dataclass(frozen=True)
class Sandbox:
    """The store's state, its flags, what the app declares, and the sender of webhooks."""

    world: World
    settings: Settings
    declaration: Declaration
    courier: Courier


def sandbox() -> Sandbox:
    """The store that serves the current request."""
    running: Sandbox = current_app.extensions["sandbox"]
    return running


def build(settings: Settings, declaration: Declaration) -> Sandbox:
    """Open the state in the home and prepare the sender; nothing is started yet."""
    world = World(settings.home, seed=settings.seed, store_url=settings.store_url)
    world.subscriptions = frozenset(declaration.topics)
    return Sandbox(world, settings, declaration, Courier(world, settings, declaration))
