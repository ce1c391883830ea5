"""`confirmation`: the form below a dry run, which sends the same once more, confirmed."""

from operate.page.html import Content, Html, tag
from operate.page.request import Request


def confirmation(request: Request, *, action: str, button: str, why: str = "", after: Content = None) -> Html:
    """Return the form.

    Args:
        request: Of the dry run; its fields are repeated.
        action: Where it is sent.
        button: What it does.
        why: What a reason is asked for with; empty where none is.
        after: What is said below.
    """
    sent = [(name, value) for name, values in request.fields.items() for value in values if name != "why"]
    fields = [
        tag("input", type="hidden", name=name, value=value) for name, value in (*sent, ("confirmed", "yes"))
    ]
    reason = tag(
        "p",
        tag("label", why, for_="why"),
        tag("input", id="why", name="why", required=True, autocomplete="off"),
    )
    return tag(
        "form",
        fields,
        reason if why else None,
        tag("button", button, class_="main"),
        after,
        method="post",
        action=action,
        class_="confirm",
    )
