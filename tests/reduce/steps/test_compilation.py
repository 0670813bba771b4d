"""The kernels of the LASSO are all compiled by one small path."""

from used_kernels import used_kernels

from pipeline.foundation.kernels import kernels_of
from pipeline.reduce.steps.compilation import STEPS, compile_lasso, fit_small_path


def test_every_kernel_of_the_lasso_is_used():
    compile_lasso()
    fit_small_path()
    kernels = kernels_of(STEPS)

    assert len(kernels) > 10
    assert used_kernels(kernels) == [kernel.__qualname__ for kernel in kernels]
