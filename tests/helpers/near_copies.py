"""Drawn pictures of tissue, and the ways in which a picture comes back as another file."""

import io

import numpy as np
from PIL import Image
from scipy.ndimage import gaussian_filter


def drawn(seed, *, size_px=(120, 160)):
    """Tissue of two scales under speckle, 8-bit grey; another seed is another picture."""
    rng = np.random.default_rng(seed)
    coarse, fine = (gaussian_filter(rng.standard_normal(size_px), sigma) * sigma for sigma in (8, 2))
    image = 90 * np.exp(0.8 * coarse + 0.5 * fine + 0.2 * rng.standard_normal(size_px))
    return np.clip(image, 0, 255).astype(np.uint8)


def framed(image):
    """The picture in the black frame of a scanner, with a grey bar and lines of text."""
    frame = np.zeros((180, 260), dtype=np.uint8)
    frame[20 : 20 + image.shape[0], 40 : 40 + image.shape[1]] = image
    frame[60:130, 8:16] = 200
    frame[25:100:10, 215:250] = 255
    return frame


def jpeg(image, quality=60):
    """Re-saved as JPEG."""
    file = io.BytesIO()
    Image.fromarray(image).save(file, "JPEG", quality=quality)
    return np.asarray(Image.open(file))


def scaled(image, factor):
    """Re-scaled."""
    size = round(image.shape[1] * factor), round(image.shape[0] * factor)
    return np.asarray(Image.fromarray(image).resize(size, Image.Resampling.BICUBIC))


def cut(image, left=0.0, right=0.0, top=0.0, bottom=0.0):
    """Cut by fractions of its sides."""
    height, width = image.shape
    return image[
        round(top * height) : height - round(bottom * height), round(left * width) : width - round(right * width)
    ]


def gamma(image, exponent):
    """With another gamma."""
    return np.rint(255 * (image / 255.0) ** exponent).astype(np.uint8)


def brightened(image):
    """Brighter and with more contrast, saturated."""
    return np.clip(image * 1.3 + 20, 0, 255).astype(np.uint8)


def callipers(image):
    """With two measured distances: bright crosses joined by dotted lines."""
    marked = image.copy()
    height, width = image.shape
    for start, end in (((0.3, 0.3), (0.6, 0.7)), ((0.7, 0.35), (0.35, 0.6))):
        for share in np.linspace(0, 1, 20):
            y, x = (
                round((a * (1 - share) + b * share) * n) for a, b, n in zip(start, end, (height, width), strict=True)
            )
            marked[y, x] = 255
            if share in (0, 1):
                marked[y - 4 : y + 5, x] = marked[y, x - 4 : x + 5] = 255
    return marked


def mirrored(image):
    """Left and right exchanged."""
    return np.ascontiguousarray(image[:, ::-1])


COPIES = {
    "jpeg": jpeg,
    "half": lambda image: scaled(image, 0.5),
    "larger": lambda image: scaled(image, 1.5),
    "cut left": lambda image: cut(image, left=0.05),
    "cut corner": lambda image: cut(image, right=0.05, bottom=0.05),
    "cut all": lambda image: cut(image, 0.05, 0.05, 0.05, 0.05),
    "cut unequal": lambda image: cut(image, left=0.02, right=0.04, top=0.01, bottom=0.03),
    "brightened": brightened,
    "low gamma": lambda image: gamma(image, 0.6),
    "high gamma": lambda image: gamma(image, 1.7),
    "callipers": callipers,
    "mirrored": mirrored,
    "mirrored and cut": lambda image: mirrored(cut(image, left=0.05, top=0.02)),
    "cut and jpeg": lambda image: jpeg(cut(image, 0.03, 0.01, 0.05, 0.0)),
    "callipers and half": lambda image: scaled(callipers(image), 0.5),
    "gamma and mirrored": lambda image: mirrored(gamma(image, 0.6)),
}
