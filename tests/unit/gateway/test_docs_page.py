"""`/docs`: the API's description as a page."""

import re

import httpx
import pytest


async def test_the_page_loads_only_what_this_gateway_serves(ask: httpx.AsyncClient) -> None:
    page = await ask.get("/docs")

    assert page.status_code == 200
    assert page.headers["content-type"].startswith("text/html")
    policy = page.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "script-src 'self';" in policy
    assert "connect-src 'self';" in policy
    assert "<script>" not in page.text
    loaded = re.findall(r'(?:src|href)="([^"]+)"', page.text)
    assert len(loaded) == 4
    for path in loaded:
        assert not path.startswith(("/", "http")), "a proxy may serve the gateway below a path"
        part = await ask.get(f"/{path}")
        assert part.status_code == 200, path
        assert part.headers["x-content-type-options"] == "nosniff"
        assert part.content


async def test_the_page_reads_the_document_that_is_there(ask: httpx.AsyncClient) -> None:
    start = (await ask.get("/docs/start.js")).text

    (url,) = re.findall(r'url: "([^"]+)"', start)
    assert (await ask.get(f"/{url}")).json()["openapi"].startswith("3.")
    assert "validatorUrl: null" in start


@pytest.mark.parametrize("name", ["other.js", "..%2Fcore.py"])
async def test_nothing_else_of_the_package_is_served(ask: httpx.AsyncClient, name: str) -> None:
    assert (await ask.get(f"/docs/{name}")).status_code == 404
