"""A gRPC server of others' making. It writes a line for what the test asks about. usage: grpc_server.py HOST:PORT"""

import sys
from concurrent import futures

import grpc


def say(line):
    print(line, flush=True)


def unary(request, context):
    return request


def serve(request, context):
    for number in range(int(request)):
        yield b"%d" % number


def talk(requests, context):
    for request in requests:
        yield request.upper()


def refuse(request, context):
    context.set_trailing_metadata((("reason", "by design"),))
    context.abort(grpc.StatusCode.FAILED_PRECONDITION, "100 % of them")


def fail(request, context):
    yield b"first"
    context.abort(grpc.StatusCode.DATA_LOSS, "in the middle")


def wait(request, context):
    """Says when its caller has given up."""
    over = futures.Future()
    context.add_callback(lambda: over.set_result(None))
    name = request.decode()
    has_deadline = context.time_remaining() is not None
    say(f"{name} has begun, deadline {has_deadline}")
    yield b"begun"
    over.result()
    say(f"{name} was given up")


def main(address):
    unary_call, stream_call = (
        grpc.unary_unary_rpc_method_handler,
        grpc.unary_stream_rpc_method_handler,
    )
    methods = {
        "Unary": unary_call(unary),
        "Refuse": unary_call(refuse),
        "Serve": stream_call(serve),
        "Fail": stream_call(fail),
        "Wait": stream_call(wait),
        "Talk": grpc.stream_stream_rpc_method_handler(talk),
    }
    server = grpc.server(futures.ThreadPoolExecutor(max_workers=8))
    server.add_generic_rpc_handlers(
        (grpc.method_handlers_generic_handler("peer.Echo", methods),)
    )
    server.add_insecure_port(address)
    server.start()
    say("listening")
    server.wait_for_termination()


main(sys.argv[1])
