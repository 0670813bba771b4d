"""Image and mask files that must not come in as they are: each row a file, and the sentence that a user sees.

The image at fault is named; the other image of the cohort is imported all the same.
"""

import gzip
import re
import struct

import numpy as np
import pytest
import SimpleITK as sitk
from dicom_files import RTSTRUCT, SEG, write_object, write_series, write_slice
from PIL import Image

from pipeline.cohort.import_image import import_image
from pipeline.cohort.importers.source import LesionSource, SourceImage
from pipeline.cohort.mask_files import MaskParams
from pipeline.cohort.voxel_checks import VoxelParams
from pipeline.foundation.images import image_from

RNG = np.random.default_rng(0)
FLAT = RNG.integers(40, 200, (40, 60), dtype=np.uint8)
VOLUME = RNG.integers(-100, 900, (6, 20, 30), dtype=np.int16)
BOX = np.zeros((40, 60), dtype=np.uint8)
BOX[10:30, 20:45] = 1
VOXELS = VoxelParams(
    min_roi_px=9, min_roi_grey_levels=4, max_roi_fraction=0.9, colour_tolerance=8, max_colour_fraction=0.1
)


def volume(path, *, packed=False):
    sitk.WriteImage(image_from(VOLUME, spacing_mm=(0.5, 0.5, 2.0)), str(path), useCompression=packed)
    return path


def cut(path, part=0.6):
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * part)])
    return path


def flat(path, **save):
    Image.fromarray(FLAT).save(path, **save)
    return path


def turned(path, orientation):
    exif = Image.Exif()
    exif[274] = orientation
    return flat(path, exif=exif)


def tiff(path, photometric, array=FLAT):
    """An uncompressed TIFF of one strip; 0 = white is the lowest value."""
    content, bits = array.tobytes(), array.itemsize * 8
    shape = ((256, array.shape[1]), (257, array.shape[0]), (258, bits), (259, 1), (262, photometric))
    tags = (*shape, (273, 8), (277, 1), (278, array.shape[0]), (279, len(content)))
    entries = b"".join(struct.pack("<HHII", tag, 4, 1, value) for tag, value in tags)
    start = b"II*\0" + struct.pack("<I", 8 + len(content))
    path.write_bytes(start + content + struct.pack("<H", len(tags)) + entries + bytes(4))
    return path


def damaged(path):
    """Some bytes in the middle of the compressed voxels are others."""
    content = bytearray(path.read_bytes())
    content[len(content) // 2] ^= 0x5A
    path.write_bytes(content)
    return path


def sheared(path):
    """A NIfTI file whose second axis leans by 0.1."""
    content = bytearray(volume(path).read_bytes())
    struct.pack_into("<2h", content, 252, 0, 1)
    struct.pack_into("<12f", content, 280, 0.5, 0.05, 0, 0, 0, 0.5, 0, 0, 0, 0, 2, 0)
    path.write_bytes(content)
    return path


def bomb(path, mode):
    """A small file of 14,000 x 14,000 pixels: a grey one is read by ITK, one with alpha by Pillow."""
    Image.new(mode, (14_000, 14_000)).save(path)
    return path


def declared(path, *lengths):
    """A NIfTI header that declares a size, with few voxels after it."""
    header = bytearray(352)
    struct.pack_into("<i", header, 0, 348)
    struct.pack_into("<8h", header, 40, 3, *lengths, 1, 1, 1, 1)
    struct.pack_into("<2h", header, 70, 4, 16)
    struct.pack_into("<8f", header, 76, *(1.0,) * 8)
    struct.pack_into("<f", header, 108, 352.0)
    header[344:348] = b"n+1\0"
    path.write_bytes(gzip.compress(bytes(header) + bytes(10**6)))
    return path


def twice(folder):
    write_series(folder)
    for number in range(4):
        write_slice(folder / f"copy{number}.dcm", 2 * number, number=10 + number)
    return folder


def last_slice_cut(folder):
    cut(write_series(folder) / "3.dcm", part=0.9)
    return folder


def link(path):
    path.symlink_to(path.parent / "elsewhere.png")
    return path


def written(path, content=b""):
    path.write_bytes(content)
    return path


CUT = "is cut off or damaged: it"
FILES = {
    "integer .nii.gz cut": (lambda d: cut(volume(d / "a.nii.gz")), f"a.nii.gz: {CUT} ends within its compressed data"),
    "last byte of .nii.gz": (lambda d: cut(volume(d / "a.nii.gz"), 0.9999), f"{CUT} ends within its compressed data"),
    ".nii cut": (lambda d: cut(volume(d / "a.nii")), f"{CUT} has 4531 of 7552 bytes"),
    ".nii cut in its header": (lambda d: cut(volume(d / "a.nii"), 0.02), f"{CUT} ends within its header"),
    "NRRD cut": (lambda d: cut(volume(d / "a.nrrd")), f"{CUT} has .+ of 7200 bytes"),
    "packed NRRD cut": (lambda d: cut(volume(d / "a.nrrd", packed=True)), f"{CUT} ends within its compressed data"),
    "MHA cut": (lambda d: cut(volume(d / "a.mha")), f"{CUT} has .+ of 7200 bytes"),
    "packed MHA cut": (lambda d: cut(volume(d / "a.mha", packed=True)), f"{CUT} ends within its compressed data"),
    "packed MHA damaged": (lambda d: damaged(volume(d / "a.mha", packed=True)), f"{CUT} has damaged compressed data"),
    "voxels of an MHD": (lambda d: (volume(d / "a.mhd"), cut(d / "a.raw"))[0], f"{CUT} has 4320 of 7200 bytes"),
    "MHD alone": (lambda d: (volume(d / "a.mhd"), (d / "a.raw").unlink())[0], "a.raw, which does not exist beside it"),
    "JPEG cut": (lambda d: cut(flat(d / "a.jpg")), f"a.jpg: {CUT} has no end-of-image marker; copy it again"),
    "progressive JPEG cut": (lambda d: cut(flat(d / "a.jpg", progressive=True), 0.95), "has no end-of-image marker"),
    "BMP cut": (lambda d: cut(flat(d / "a.bmp")), f"{CUT} has 2086 of 3478 bytes"),
    "PNG cut": (lambda d: cut(flat(d / "a.png")), f"{CUT} has no final chunk"),
    "TIFF cut": (lambda d: cut(flat(d / "a.tif")), f"{CUT} has 15.. of 25.. bytes"),
    "packed TIFF cut": (lambda d: cut(flat(d / "a.tif", compression="tiff_lzw")), f"{CUT} ends within its header"),
    "DICOM cut": (lambda d: cut(write_slice(d / "a.dcm", 2), 0.9), "begins as DICOM and is cut off"),
    "no bytes": (lambda d: written(d / "a.nii.gz"), r"a.nii.gz: is empty \(0 bytes\); copy it again"),
    "no image": (lambda d: written(d / "a.png", b"hello"), r"a.png: not readable as an image \(of no known format"),
    "MinIsWhite, 8 bit": (lambda d: tiff(d / "a.tif", 0), r"a.tif: is stored as MinIsWhite .+ save it as MinIsBlack"),
    "MinIsWhite, 16 bit": (lambda d: tiff(d / "a.tif", 0, FLAT.astype("<u2")), "is stored as MinIsWhite"),
    "turned JPEG": (lambda d: turned(d / "a.jpg", 6), "its EXIF orientation is 6, .+ save it upright"),
    "turned PNG": (lambda d: turned(d / "a.png", 3), "its EXIF orientation is 3"),
    "turned TIFF": (lambda d: flat(d / "a.tif", tiffinfo={274: 8}), "its EXIF orientation is 8"),
    "grey bomb": (lambda d: bomb(d / "a.png", "1"), "declares 14000 x 14000 voxels, more than the limit of 100000000"),
    "alpha bomb": (lambda d: bomb(d / "a.png", "LA"), "declares too many pixels"),
    "bomb of voxels": (lambda d: declared(d / "a.nii.gz", 30_000, 30_000, 30_000), "has 1000352 of 54000000000352"),
    "sheared grid": (lambda d: sheared(d / "a.nii"), "its direction axes are not perpendicular; resample it"),
    "five orientations": (lambda d: write_series(d / "a", orientation="1\\0\\0\\0\\1"), "a/1.dcm: .+ Orientation is"),
    "comma in orientation": (lambda d: write_series(d / "a", orientation="1,0\\0\\0\\0\\1,0\\0"), "decimal point"),
    "zero orientation": (lambda d: write_slice(d / "a.dcm", 1, orientation="0\\0\\0\\0\\0\\0"), "Image Orientation is"),
    "empty position": (lambda d: write_series(d / "a", position=""), "tag Image Position is empty in a slice"),
    "comma in position": (lambda d: write_series(d / "a", position="0\\0\\2,5"), r"Position is '0\\0\\2,5'"),
    "two positions": (lambda d: write_series(d / "a", position="0\\0"), "needs 3 numbers, with a decimal point"),
    "NaN as position": (lambda d: write_series(d / "a", position="nan\\0\\0"), "Image Position is 'nan"),
    "comma in spacing": (lambda d: write_slice(d / "a.dcm", 1, spacing="0,5\\0,7"), r"Spacing is '0,5\\0,7'"),
    "zero spacing": (lambda d: write_slice(d / "a.dcm", 1, spacing="0\\0"), "needs 2 numbers above 0"),
    "spacing of one slice": (lambda d: write_series(d / "a", spacing="0.5\\0.9"), "slices differ in .+ Pixel Spacing"),
    "slices twice": (lambda d: twice(d / "a"), "several images at one slice position; .+ remove copies"),
    "last slice cut": (lambda d: last_slice_cut(d / "a"), "a: its file 3.dcm is cut off or damaged; copy it again"),
    "broken link": (lambda d: link(d / "a.png"), "a.png: is a link to a file that does not exist"),
    "name too long": (lambda d: d / f"{'a' * 300}.png", "cannot be read .File name too long."),
}  # fmt: skip
MASKS = {
    "RTSTRUCT": (lambda d: write_object(d / "m.dcm", RTSTRUCT), r"m.dcm: is a DICOM RT structure set .+ convert it to"),
    "SEG": (lambda d: write_object(d / "m.dcm", SEG), r"m.dcm: is a DICOM segmentation object \(SEG\).+ convert it to"),
    "folder of RTSTRUCT": (lambda d: write_object(d / "m.dcm", RTSTRUCT).parent, "m.dcm: is a DICOM RT structure set"),
    "JPEG cut": (lambda d: cut(flat(d / "m.jpg")), f"the mask m.jpg: {CUT} has no end-of-image marker"),
    ".nii.gz cut": (lambda d: cut(volume(d / "m.nii.gz")), f"the mask m.nii.gz: {CUT} ends within"),
    "MinIsWhite": (lambda d: tiff(d / "m.tif", 0, BOX), "the mask m.tif: is stored as MinIsWhite"),
    "8-bit image": (lambda d: flat(d / "m.png"), "the mask m.png looks like an image, not like a mask: .+ correct its"),
    "JPEG image": (lambda d: flat(d / "m.jpg"), "the mask m.jpg looks like an image, not like a mask"),
    "integer image": (lambda d: volume(d / "m.nii"), "different values from -100 to 899; correct its path"),
    "wrong case": (lambda d: (flat(d / "M.png"), d / "m.PNG")[1], "there is no such image; did you mean 'M.png'"),
    "near name": (lambda d: (flat(d / "mask_1.png"), d / "mask1.png")[1], "did you mean 'mask_1.png'"),
}  # fmt: skip


def imported(folder, image, mask=None):
    lesion = LesionSource(kind="files", files=(mask,)) if mask else None
    case = SourceImage(image_id="a", patient_id="p", image=image, lesion=lesion)
    folders = {"image_folder": folder / "images", "mask_folder": folder / "masks"}
    return import_image(case, masks=MaskParams(), voxels=VOXELS, **folders)


@pytest.mark.parametrize("name", FILES)
def test_an_image_that_would_come_in_wrong_is_one_sentence(tmp_path, name):
    make, sentence = FILES[name]
    result = imported(tmp_path, make(tmp_path))
    (finding,) = [f for f in result.findings if f.severity == "error"]

    assert result.row is None
    assert finding.message.startswith("image a: ")
    assert "\n" not in finding.message
    assert str(tmp_path) not in finding.message.replace("a" * 300, "")
    assert re.search(sentence, finding.message), finding.message


@pytest.mark.parametrize("name", MASKS)
def test_a_mask_that_would_come_in_wrong_is_one_sentence_and_the_image_stays(tmp_path, name):
    (tmp_path / "in").mkdir()
    make, sentence = MASKS[name]
    result = imported(tmp_path, flat(tmp_path / "a.png"), make(tmp_path / "in"))
    (finding,) = [f for f in result.findings if f.severity == "error"]

    assert result.row["image"] == "a.nrrd"
    assert (tmp_path / "images" / "a.nrrd").exists()
    assert finding.message.startswith("image a: the mask ")
    assert str(tmp_path) not in finding.message
    assert re.search(sentence, finding.message), finding.message


@pytest.mark.parametrize("place", ["file", "folder"])
def test_a_file_or_folder_without_permission_is_one_sentence(tmp_path, monkeypatch, place):
    image = flat(tmp_path / "a.png") if place == "file" else write_series(tmp_path / "a")
    real = type(image).open if place == "file" else type(image).iterdir

    def barred(path, *given, **named):
        if path == image:
            raise PermissionError(13, "Permission denied", str(path))
        return real(path, *given, **named)

    monkeypatch.setattr(type(image), "open" if place == "file" else "iterdir", barred)  # root may read everything
    (finding,) = imported(tmp_path, image).findings

    assert f"{image.name}: must not be read (Permission denied); give this user the right" in finding.message


@pytest.mark.parametrize(
    "make",
    [
        lambda d: volume(d / "a.nii.gz"),
        lambda d: volume(d / "a.nrrd", packed=True),
        lambda d: volume(d / "a.mha", packed=True),
        lambda d: volume(d / "a.mhd", packed=True),
        lambda d: flat(d / "a.jpg", progressive=True),
        lambda d: turned(d / "a.jpg", 1),
        lambda d: written(d / "b.jpg", flat(d / "a.jpg").read_bytes() + b"a maker's data"),
        lambda d: flat(d / "a.bmp"),
        lambda d: tiff(d / "a.tif", 1),
        lambda d: flat(d / "b.tif", compression="tiff_deflate"),
        lambda d: write_series(d / "a"),
        lambda d: (write_series(d / "a"), write_object(d / "a" / "rt.dcm", RTSTRUCT))[0],
    ],
)
def test_a_whole_file_has_no_error(tmp_path, make):
    result = imported(tmp_path, make(tmp_path))

    assert [f.message for f in result.findings if f.severity == "error"] == []
    assert result.row["image"] == "a.nrrd"
