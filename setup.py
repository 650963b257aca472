"""What is compiled; everything else stands in setup.cfg."""

from setuptools import Extension, setup

# Where there is no C compiler Hamlet is set up without it, and numpy does the same more slowly.
setup(ext_modules=[Extension("moderation.kernels", ["moderation/kernels.pyx"], optional=True)])
