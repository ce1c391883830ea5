"""Facts of the HTTP trigger."""

import pytest
import requests

from local.host import RunningHost

TIMEOUT_SECONDS = 30


def test_route_query_and_body_arrive(host: RunningHost) -> None:
    """Route parameters are decoded; the answer's status and type are the function's.

    Source: LIB http.py.
    """
    answer = requests.post(
        f"{host.url}/api/echo/w%C3%B6rd",
        params={"code": host.function_key, "status": "201", "q": "a b"},
        data="bödy".encode(),
        timeout=TIMEOUT_SECONDS,
    )
    seen = answer.json()

    assert answer.status_code == 201
    assert answer.headers["Content-Type"].startswith("application/json")
    assert (seen["word"], seen["body"], seen["query"]["q"]) == ("wörd", "bödy", "a b")


def test_anonymous_function_needs_no_key(host: RunningHost) -> None:
    """`authLevel` anonymous lets everybody in.

    Source: DOC functions-bindings-http-webhook-trigger.md.
    """
    answer = requests.get(f"{host.url}/api/open", timeout=TIMEOUT_SECONDS)

    assert (answer.status_code, answer.text) == (200, "open")


def test_raising_function_is_a_server_error(host: RunningHost) -> None:
    """What a function raises is a 500.

    Source: HOST.
    """
    answer = requests.get(f"{host.url}/api/open", params={"how": "fail"}, timeout=TIMEOUT_SECONDS)

    assert answer.status_code == 500
    assert "asked to fail" not in answer.text


def test_method_that_is_not_listed_is_not_found(host: RunningHost) -> None:
    """A route has its methods; another one is no route.

    Source: HOST.
    """
    answer = requests.delete(
        f"{host.url}/api/echo/x", params={"code": host.function_key}, timeout=TIMEOUT_SECONDS
    )

    assert answer.status_code == 404


@pytest.mark.usefixtures("standin_only")
def test_function_level_takes_function_and_master_key(host: RunningHost) -> None:
    """`authLevel` function opens with a function key, in header or query.

    Source: DOC; Core Tools ask for no keys.
    """
    url = f"{host.url}/api/echo/x"
    given = [{}, {"x-functions-key": "wrong"}, {"x-functions-key": host.system_key}]
    good = [{"x-functions-key": host.function_key}, {"x-functions-key": host.master_key}]

    assert [requests.get(url, headers=key, timeout=TIMEOUT_SECONDS).status_code for key in given] == [401] * 3
    assert [requests.get(url, headers=key, timeout=TIMEOUT_SECONDS).status_code for key in good] == [200] * 2


@pytest.mark.usefixtures("standin_only")
def test_admin_level_takes_master_key_only(host: RunningHost) -> None:
    """`authLevel` admin opens with the master key.

    Source: DOC; Core Tools ask for no keys.
    """
    url = f"{host.url}/api/locked"
    keys = [host.function_key, host.master_key]
    codes = [requests.get(url, params={"code": key}, timeout=TIMEOUT_SECONDS).status_code for key in keys]

    assert codes == [401, 200]


@pytest.mark.usefixtures("standin_only")
def test_admin_addresses_need_the_master_key(host: RunningHost) -> None:
    """Running a function by hand needs the master key.

    Source: HOST; Core Tools ask for no keys.
    """
    answer = requests.post(
        f"{host.url}/admin/functions/ticked",
        headers={"x-functions-key": host.function_key},
        json={"input": ""},
        timeout=TIMEOUT_SECONDS,
    )

    assert answer.status_code == 401
