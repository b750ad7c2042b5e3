"""Protocol Buffers by hand: as much of the wire format as a few messages of the contract need."""


def varint(number):
    """A base-128 number, least significant group first."""
    groups = bytearray()
    while number > 0x7F:
        groups.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes(groups + bytes([number]))


def encode(fields):
    """A message from (field number, value) pairs; text, bytes, numbers and booleans are values."""
    message = b""
    for number, value in fields:
        if isinstance(value, int):
            message += varint(number << 3) + varint(value)
        else:
            value = value.encode() if isinstance(value, str) else value
            message += varint(number << 3 | 2) + varint(len(value)) + value
    return message


def decode(message):
    """A message as a dictionary: field number to the list of its values, numbers or bytes."""
    fields, at = {}, 0

    def number():
        nonlocal at
        value = shift = 0
        while True:
            value |= (message[at] & 0x7F) << shift
            at, shift = at + 1, shift + 7
            if message[at - 1] < 0x80:
                return value

    while at < len(message):
        key = number()
        if key & 7 == 0:
            value = number()
        elif key & 7 == 2:
            size = number()
            at, value = at + size, message[at : at + size]
        else:
            raise ValueError(f"field {key >> 3} has wire type {key & 7}, which the contract does not use here")
        fields.setdefault(key >> 3, []).append(value)
    return fields


def text(message, *path):
    """The text at the end of a path of field numbers; empty where there is none."""
    for number in path:
        message = decode(message).get(number, [b""])[0]
    return message.decode()
