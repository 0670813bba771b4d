"""DICOM files by hand (explicit VR, little endian), since ITK's writer repairs the faults that the tests need."""

import struct

import numpy as np

CT = "1.2.840.10008.5.1.4.1.1.2"
RTSTRUCT = "1.2.840.10008.5.1.4.1.1.481.3"
SEG = "1.2.840.10008.5.1.4.1.1.66.4"
EXPLICIT_LITTLE_ENDIAN = "1.2.840.10008.1.2.1"
SERIES = "1.2.3.4"


def element(group, number, kind, value):
    """One data element; text and numbers (unsigned 16 bit) become bytes of even length."""
    content = struct.pack("<H", value) if kind == "US" else value.encode() if isinstance(value, str) else value
    content += (b"\0" if kind == "UI" else b" ") * (len(content) % 2)
    length = struct.pack("<2xI" if kind in ("OB", "OW") else "<H", len(content))
    return struct.pack("<HH", group, number) + kind.encode() + length + content


def write_object(path, sop_class, *, data=b""):
    """A DICOM file of one SOP class with the given data elements after those that every object has."""
    meta = element(2, 2, "UI", sop_class) + element(2, 3, "UI", "1.2.3.9")
    meta += element(2, 0x10, "UI", EXPLICIT_LITTLE_ENDIAN)
    head = element(2, 0, "UL", struct.pack("<I", len(meta))) + meta
    path.write_bytes(bytes(128) + b"DICM" + head + element(8, 0x16, "UI", sop_class) + data)
    return path


def write_slice(path, place_mm, *, number=0, orientation="1\\0\\0\\0\\1\\0", position=None, spacing="0.5\\0.7"):
    """One CT slice of 6 x 7 pixels."""
    data = element(8, 0x18, "UI", f"1.2.3.5.{number}") + element(8, 0x60, "CS", "CT")
    data += element(0x20, 0xD, "UI", "1.2.3") + element(0x20, 0xE, "UI", SERIES)
    data += element(0x20, 0x32, "DS", f"0\\0\\{place_mm}" if position is None else position)
    data += element(0x20, 0x37, "DS", orientation)
    data += element(0x28, 2, "US", 1) + element(0x28, 4, "CS", "MONOCHROME2")
    data += element(0x28, 0x10, "US", 6) + element(0x28, 0x11, "US", 7) + element(0x28, 0x30, "DS", spacing)
    data += b"".join(element(0x28, 0x100 + k, "US", value) for k, value in enumerate((16, 16, 15, 1)))
    pixels = np.full((6, 7), int(place_mm), dtype="<i2").tobytes()
    return write_object(path, CT, data=data + element(0x7FE0, 0x10, "OW", pixels))


def write_series(folder, **faults):
    """Four slices 2 mm apart; the faults (arguments of `write_slice`) are those of the second."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(4):
        write_slice(folder / f"{number}.dcm", 2 * number, number=number, **(faults if number == 1 else {}))
    return folder
