"""The store's admin: orders, products, customers, settings, and the app in a frame."""

from flask import Blueprint

blueprint = Blueprint("admin", __name__, template_folder="templates")
