"""`site_of`: all pages, by their names in the address."""

from operate.desk import Desk
from operate.page.actions import ACTIONS
from operate.page.detail import letter
from operate.page.file import file
from operate.page.hold_actions import HOLD_ACTIONS
from operate.page.holds import holds
from operate.page.lists import dead, waiting
from operate.page.overview import overview
from operate.page.routes import routes
from operate.page.send import send_file
from operate.page.server import Site


def site_of(desk: Desk, *, who: str) -> Site:
    """Return the page of an app, as the operator sees it."""
    return Site(
        desk=desk,
        who=who,
        reading={
            "": overview,
            "waiting": waiting,
            "dead": dead,
            "holds": holds,
            "routes": routes,
            "file": file,
            "letter": letter,
        },
        changing={"send": send_file} | {action.name: action for action in (*ACTIONS, *HOLD_ACTIONS)},
    )
