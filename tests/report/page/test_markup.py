"""page.markup: where a name may break."""

import pytest

from pipeline.report.page.markup import breakable, data_address


@pytest.mark.parametrize(
    ("name", "marked"),
    [
        ("densenet121", "densenet121"),
        ("size_mm", "size_<wbr>mm"),
        ("a__b_", "a__<wbr>b_"),
        ("original_shape2D_Sphericity@long", "original_<wbr>shape2D_<wbr>Sphericity<wbr>@long"),
        ("wavelet-LH_glcm", '<span class="whole">wavelet-LH_</span><wbr>glcm'),
        ("<b> & more", "&lt;b&gt; <wbr>&amp; <wbr>more"),
        ("@x", "@x"),
        (7, "7"),
        ("", ""),
    ],
)
def test_a_name_breaks_after_underscores_before_at_and_at_blanks(name, marked):
    assert breakable(name) == marked


def test_an_image_is_its_own_address():
    assert data_address(b"\x00") == "data:image/png;base64,AA=="
