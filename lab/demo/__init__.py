"""The story that `make demo` tells: real files through the whole path on one machine, with proof."""
