"""An OpenTelemetry collector of published parts: grpcio, and the protocol's own definitions (opentelemetry-proto).

Says on its first line where it listens: {"grpc": PORT, "http": PORT}. Then every request that it takes, a JSON line each:
{"signal": ..., "over": ..., "headers": {...}, "request": {...}}.
"""
import json
import sys
from concurrent import futures
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Lock, Thread

import grpc
from google.protobuf.json_format import MessageToDict
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2 as metrics
from opentelemetry.proto.collector.metrics.v1 import metrics_service_pb2_grpc as metrics_grpc
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2 as traces
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2_grpc as traces_grpc

OUT = Lock()


def say(value):
    with OUT:
        print(json.dumps(value), flush=True)


def take(signal, over, headers, request):
    say({"signal": signal, "over": over, "headers": headers, "request": MessageToDict(request)})


class Traces(traces_grpc.TraceServiceServicer):
    def Export(self, request, context):
        take("traces", "grpc", dict(context.invocation_metadata()), request)
        return traces.ExportTraceServiceResponse()


class Metrics(metrics_grpc.MetricsServiceServicer):
    def Export(self, request, context):
        take("metrics", "grpc", dict(context.invocation_metadata()), request)
        return metrics.ExportMetricsServiceResponse()


class Http(BaseHTTPRequestHandler):
    MESSAGES = {
        "/v1/traces": ("traces", traces.ExportTraceServiceRequest, traces.ExportTraceServiceResponse),
        "/v1/metrics": ("metrics", metrics.ExportMetricsServiceRequest, metrics.ExportMetricsServiceResponse),
    }

    def do_POST(self):
        signal, asked, answer = self.MESSAGES[self.path]
        body = self.rfile.read(int(self.headers["content-length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        take(signal, "http", headers, asked.FromString(body))
        said = answer().SerializeToString()
        self.send_response(200)
        self.send_header("content-type", "application/x-protobuf")
        self.send_header("content-length", str(len(said)))
        self.end_headers()
        self.wfile.write(said)

    def log_message(self, *_):
        pass


server = grpc.server(futures.ThreadPoolExecutor(max_workers=4))
traces_grpc.add_TraceServiceServicer_to_server(Traces(), server)
metrics_grpc.add_MetricsServiceServicer_to_server(Metrics(), server)
port = server.add_insecure_port("127.0.0.1:0")
server.start()
http = ThreadingHTTPServer(("127.0.0.1", 0), Http)
Thread(target=http.serve_forever, daemon=True).start()
say({"grpc": port, "http": http.server_address[1]})
# Ends with whoever started it.
sys.stdin.read()
