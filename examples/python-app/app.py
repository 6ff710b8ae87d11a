"""Somebody else's application in Python: it imports `cache-health:probe/health` and nothing else of
ours, and answers 503 with the remedy when its cache cannot be used."""

import componentize_py_async_support
import wit_world
from componentize_py_types import Ok
from wit_world import exports
from wit_world.imports import health
from wit_world.imports.wasi_http_types import Fields, Request, Response


class Handler(exports.Handler):
    async def handle(self, request: Request) -> Response:
        report = await health.check(health.CheckOptions(fresh=False, new_connection=False))
        if report.failure is None:
            status, text = 200, f"Hello! {report.output}\n"
        else:
            failure = report.failure
            status, text = 503, f"{failure.output}\nWhat to do: {failure.remedy}\n"
        body = text.encode()

        writer, reader = wit_world.byte_stream()
        no_trailers = wit_world.result_option_wasi_http_types_fields_wasi_http_types_error_code_future
        _, trailers = no_trailers(lambda: Ok(None))
        fields = Fields.from_list([("content-type", b"text/plain; charset=utf-8")])
        response, _sent = Response.new(fields, reader, trailers)
        response.set_status_code(status)

        async def send() -> None:
            with writer:
                await writer.write_all(body)

        componentize_py_async_support.spawn(send())
        return response
