"""A gateway in another language: Python's gRPC library on the driver's socket.

Usage: grpcio_client.py SOCKET

Field numbers are those of proto/openshell/compute/v1. The last line says how many checks passed.
"""

import sys
import threading
import time
import traceback

import grpc

from messages import decode, encode, text

SERVICE = "/openshell.compute.v1.ComputeDriver/"
ID = "6d8c1f4e-6f0a-4f43-9a55-0b5f2f0d7f10"
NAME = "from-python"
# Longer than anything here takes; the driver answers every call by itself within a minute.
PATIENCE = 60
# Any valid HTTP/2 authority will do.
AUTHORITY = ("grpc.default_authority", "localhost")


def connect(socket, *options):
    return grpc.insecure_channel(f"unix:{socket}", options=options)


def call(channel, method, message=b""):
    # Without serializers a message is its bytes.
    return channel.unary_unary(SERVICE + method)(message, timeout=PATIENCE)


def refusal(channel, method, message=b""):
    try:
        return f"accepted: {call(channel, method, message)}"
    except grpc.RpcError as error:
        return error.code()


def sandbox():
    spec = encode([(5, encode([(1, "GREETING"), (2, "$(HOME) costs $5")])), (6, b""), (11, "a-token"), (12, "/bin/sh"), (13, True)])
    return encode([(1, encode([(1, ID), (2, NAME), (4, spec), (5, b""), (6, "default")]))])


def reference():
    return encode([(1, ID), (2, NAME)])


def conditions(snapshot):
    """Type to status."""
    status = decode(snapshot).get(5, [b""])[0]
    return {text(condition, 1): text(condition, 2) for condition in decode(status).get(5, [])}


def until(events, wanted):
    """The first event that is wanted."""
    for event in events:
        found = wanted(decode(event))
        if found:
            return found
    raise AssertionError("the stream ended")


def ready(event):
    return any(text(snapshot, 1, 1) == ID and conditions(decode(snapshot)[1][0]).get("Ready") == "True" for snapshot in event.get(1, []))


def deleted(event):
    return any(text(deletion, 1) == ID for deletion in event.get(2, []))


class Checks:
    """Each check is a method; they run in the order in which they are written, and share the connection and a watch."""

    def __init__(self, socket):
        self.socket = socket
        self.channel = connect(socket, AUTHORITY)
        self.events = None

    def capabilities(self):
        reply = call(self.channel, "GetCapabilities")
        assert text(reply, 1) == "kyma" and text(reply, 2) and text(reply, 3), reply

    def listener_requirements(self):
        assert call(self.channel, "GetGatewayListenerRequirements") == b""

    def a_watch_opens_while_nothing_is_there(self):
        self.events = self.channel.unary_stream(SERVICE + "WatchSandboxes")(b"", timeout=PATIENCE)
        # The answer's head comes at once, so that a caller knows that it is heard.
        self.events.initial_metadata()
        assert call(self.channel, "ListSandboxes") == b""

    def validate_and_create(self):
        assert call(self.channel, "ValidateSandboxCreate", sandbox()) == b""
        call(self.channel, "CreateSandbox", sandbox())

    def ready_is_seen_on_the_watch(self):
        assert until(self.events, ready)

    def get_and_list_say_the_same(self):
        seen = decode(call(self.channel, "GetSandbox", reference()))[1]
        listed = decode(call(self.channel, "ListSandboxes"))[1]
        assert seen == listed and len(listed) == 1, (seen, listed)
        assert (text(seen[0], 1), text(seen[0], 2), text(seen[0], 6)) == (ID, NAME, "default"), seen
        assert conditions(seen[0])["Ready"] == "True"

    def errors_have_codes_and_messages(self):
        unknown = encode([(1, "nobody"), (2, "nobody")])
        assert refusal(self.channel, "GetSandbox", unknown) == grpc.StatusCode.NOT_FOUND
        assert refusal(self.channel, "GetSandbox", b"no message") == grpc.StatusCode.INVALID_ARGUMENT
        assert refusal(self.channel, "Nonsense") == grpc.StatusCode.UNIMPLEMENTED
        try:
            self.channel.unary_unary("/openshell.compute.v9.Another/Method")(b"", timeout=PATIENCE)
            raise AssertionError("accepted")
        except grpc.RpcError as error:
            assert error.code() == grpc.StatusCode.UNIMPLEMENTED

    def a_message_of_more_than_four_mebibytes_is_refused(self):
        assert refusal(self.channel, "ValidateSandboxCreate", encode([(1, encode([(1, "x" * 5 * 1024 * 1024)]))])) == grpc.StatusCode.OUT_OF_RANGE

    def a_deadline_is_kept(self):
        stream = self.channel.unary_stream(SERVICE + "WatchSandboxes")(b"", timeout=0.2)
        try:
            for _ in stream:
                pass
        except grpc.RpcError as error:
            # Whose clock is first decides between the two.
            assert error.code() == grpc.StatusCode.DEADLINE_EXCEEDED, error

    def a_cancelled_watch_is_the_client_s_own_affair(self):
        stream = self.channel.unary_stream(SERVICE + "WatchSandboxes")(b"", timeout=PATIENCE)
        next(stream)
        stream.cancel()
        call(self.channel, "GetCapabilities")

    def without_the_override_only_the_stream_is_reset(self):
        """The library puts the percent-encoded path of the socket into :authority, which is none; HTTP/2 has the stream reset (PROTOCOL_ERROR)."""
        plain = connect(self.socket)
        states, settled = [], threading.Event()

        def seen(state):
            states.append(state)
            if state == grpc.ChannelConnectivity.READY:
                settled.set()

        plain.subscribe(seen, try_to_connect=True)
        assert settled.wait(PATIENCE), states
        for _ in range(3):
            try:
                raise AssertionError(f"accepted: {call(plain, 'GetCapabilities')}")
            except grpc.RpcError as error:
                assert error.code() == grpc.StatusCode.INTERNAL and "RST_STREAM with error code 1" in error.details(), error
        # A connection that had been closed would have left READY by the time another connection has been answered.
        call(self.channel, "GetCapabilities")
        assert states[-1] == grpc.ChannelConnectivity.READY and states.count(states[-1]) == 1, states
        plain.close()

    def any_valid_authority_will_do(self):
        for authority in ("openshell-driver", "[::]:50051", "driver.example.com:443"):
            other = connect(self.socket, ("grpc.default_authority", authority))
            assert text(call(other, "GetCapabilities"), 1) == "kyma"
            other.close()

    def delete_is_seen_on_the_watch_that_was_open_all_the_while(self):
        assert decode(call(self.channel, "DeleteSandbox", reference())) == {1: [1]}
        assert until(self.events, deleted)
        assert call(self.channel, "DeleteSandbox", reference()) == b""
        assert call(self.channel, "ListSandboxes") == b""
        self.events.cancel()


def main(socket):
    checks = Checks(socket)
    names = [name for name, value in vars(Checks).items() if callable(value) and not name.startswith("_")]
    failed = 0
    for name in names:
        began = time.monotonic()
        try:
            getattr(checks, name)()
            print(f"ok      {name.replace('_', ' ')} ({time.monotonic() - began:.2f} s)")
        except Exception:
            failed += 1
            print(f"FAILED  {name.replace('_', ' ')}")
            traceback.print_exc(file=sys.stdout)
    checks.channel.close()
    print(f"{len(names) - failed} passed, {failed} failed")
    return 1 if failed or not names else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
