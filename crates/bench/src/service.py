"""What a team of Python would write: Starlette, redis-py, one kept connection pool; SET and GET per request. Served by uvicorn."""

import os

from redis.asyncio import Redis
from starlette.applications import Starlette
from starlette.responses import PlainTextResponse
from starlette.routing import Route

cache = Redis(
    host=os.environ["REDIS_HOST"],
    port=int(os.environ["REDIS_PORT"]),
    password=os.environ["REDIS_ACCESS_KEY"],
    ssl=True,
    ssl_ca_certs=os.environ["REDIS_CA_FILE"],
)


async def health(_request):
    try:
        await cache.set("python", "ok", ex=60)
        value = await cache.get("python")
    except Exception:
        value = None
    good = value == b"ok"
    return PlainTextResponse("ok\n" if good else "fail\n", status_code=200 if good else 503)


app = Starlette(routes=[Route("/healthz", health)])
