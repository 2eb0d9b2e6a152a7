"""Metafields: values the app hangs on customers, products, orders, the shop and its own installation."""

import hashlib
import json
from typing import Any

from plugin.sandbox.admin_api.node import Fields, Node, kind_of
from plugin.sandbox.admin_api.paging import connect
from plugin.sandbox.documents.basics import gid
from plugin.sandbox.records import Metafield
from plugin.sandbox.world import World

OWNER_TYPES = {
    "AppInstallation": "API_PERMISSION",
    "Customer": "CUSTOMER",
    "Order": "ORDER",
    "Product": "PRODUCT",
    "ProductVariant": "PRODUCTVARIANT",
    "Shop": "SHOP",
}
APP_NAMESPACE = "app--580111902721"


def full_namespace(namespace: str | None) -> str:
    """`$app` and `$app:x` are the app's own namespaces; left out means `$app`."""
    name = namespace or "$app"
    return (
        name.replace("$app:", f"{APP_NAMESPACE}--", 1)
        if name.startswith("$app:")
        else name.replace("$app", APP_NAMESPACE)
    )


def key_of(owner_id: str, namespace: str | None, key: str) -> str:
    """The key under which the world keeps the metafield."""
    return f"{owner_id}|{full_namespace(namespace)}|{key}"


def digest(value: str) -> str:
    """`compareDigest`: what compare-and-set compares."""
    return hashlib.sha256(value.encode()).hexdigest()


class MetafieldNode(Node):
    """`Metafield`."""

    type_name = "Metafield"
    record: Metafield

    def id(self) -> str:
        """The global id."""
        return gid("Metafield", self.record.number)

    def legacy_resource_id(self) -> str:
        """The number in the global id."""
        return str(self.record.number)

    def compare_digest(self) -> str:
        """For compare-and-set."""
        return digest(self.record.value)

    def json_value(self) -> Any:
        """The value parsed, for types that are JSON; else the text."""
        kind = self.record.type
        is_json = kind in ("json", "boolean", "number_integer", "rich_text_field") or kind.startswith("list.")
        return json.loads(self.record.value) if is_json else self.record.value

    def owner_type(self) -> str:
        """What it hangs on."""
        return OWNER_TYPES[kind_of(self.record.owner_id)]


class HasMetafields(Node):
    """Fields of everything that can carry metafields."""

    def metafield(self, key: str, namespace: str | None = None) -> Node | None:
        """One metafield."""
        if "." in key and namespace is None:
            namespace, _, key = key.partition(".")
        return self.make("Metafield", self.api.world.metafields.get(key_of(self.id(), namespace, key)))

    def metafields(self, namespace: str | None = None, keys: list[str] | None = None, **page: Any) -> Fields:
        """Those of a namespace, or all."""
        found = self.api.world.metafields.by("owner", self.id())
        if namespace is not None:
            found = [field for field in found if field.namespace == full_namespace(namespace)]
        if keys is not None:
            found = [field for field in found if field.key in keys or f"{field.namespace}.{field.key}" in keys]
        return connect(
            self.api, found, lambda field: MetafieldNode(self.api, field), key=lambda field: (field.number,), **page
        )


def save(world: World, owner_id: str, namespace: str | None, key: str, kind: str, value: str) -> Metafield:
    """Set one value. Call it inside a change."""
    name = key_of(owner_id, namespace, key)
    before = world.metafields.get(name)
    return world.metafields.keep(
        Metafield(
            id=name,
            number=before.number if before else world.next_id("metafield"),
            owner_id=owner_id,
            namespace=full_namespace(namespace),
            key=key,
            type=kind,
            value=value,
            created_at=before.created_at if before else world.now(),
            updated_at=world.now(),
        )
    )
