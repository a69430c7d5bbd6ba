"""A second device that needs no GPU: its tensors compute on the CPU, and refuse to meet tensors of the CPU.

PyTorch lends one device type to whoever brings its kernels (``PrivateUse1``; here Python kernels, see
``torch.utils.backend_registration``). Each tensor of the device points to a CPU tensor with its values, found
through its storage. Every operation unwraps, computes on the CPU and wraps again; if a tensor with dimensions lies on
the CPU, it raises, as CUDA does. What holds here has no proof of speed, but of where each tensor lies.
"""

from __future__ import annotations

import weakref
from operator import attrgetter
from typing import Any

import torch
import torch.utils.backend_registration as registration
from torch.utils._pytree import tree_flatten, tree_map

NAME = "standin"
_values: dict[int, torch.Tensor] = {}


class _Module:
    """What ``torch.standin`` has to offer, as ``torch.cuda`` does."""

    is_available = staticmethod(lambda: True)
    is_initialized = staticmethod(lambda: True)
    device_count = staticmethod(lambda: 1)
    current_device = staticmethod(lambda: 0)
    get_rng_state = staticmethod(lambda device=0: torch.get_rng_state())
    set_rng_state = staticmethod(lambda state, device=0: torch.set_rng_state(state))
    manual_seed = staticmethod(lambda seed: None)
    manual_seed_all = staticmethod(lambda seed: None)
    _is_in_bad_fork = staticmethod(lambda: False)
    synchronize = staticmethod(lambda device=None: None)
    get_amp_supported_dtype = staticmethod(lambda: [torch.bfloat16])


def _wrap(cpu: torch.Tensor) -> torch.Tensor:
    made = torch._C._acc.create_empty_tensor(tuple(cpu.shape), cpu.dtype)
    storage = made.untyped_storage()
    _values[storage._cdata] = cpu
    weakref.finalize(storage, _values.pop, storage._cdata, None)
    return made


def _is_here(x: Any) -> bool:
    return isinstance(x, torch.Tensor) and x.device.type == NAME


def _raw(x: torch.Tensor) -> torch.Tensor:
    cpu = _values[x.untyped_storage()._cdata]
    assert cpu.shape == x.shape, f"a kernel is missing here: the tensor says {tuple(x.shape)}, its values {cpu.shape}"
    return cpu


def _bare(x: Any) -> Any:
    if _is_here(x):
        return _raw(x)
    return torch.device("cpu") if isinstance(x, torch.device) and x.type == NAME else x


def _wrapped(found: Any) -> Any:
    return tree_map(lambda x: _wrap(x) if isinstance(x, torch.Tensor) else x, found)


def _fallback(op: Any, *args: Any, **kwargs: Any) -> Any:
    flat, _ = tree_flatten((args, kwargs))
    here = [x for x in flat if _is_here(x)]
    strangers = [x for x in flat if isinstance(x, torch.Tensor) and not _is_here(x) and x.dim()]
    if here and strangers:
        raise RuntimeError(f"{op}: expected all tensors on one device, but found {NAME} and {strangers[0].device}")
    owners = {id(_raw(x)): x for x in here}
    if op is torch.ops.aten.view.default:  # strides are not kept
        op = torch.ops.aten.reshape.default
    args, kwargs = tree_map(_bare, (args, kwargs))
    found = op(*args, **kwargs)
    return tree_map(lambda x: owners[id(x)] if id(x) in owners else _wrapped(x), found)


def register() -> torch.device:
    """Make the device known to this process, which cannot be undone; returns ``standin:0``."""
    if not _libraries:
        registration._setup_privateuseone_for_python_backend(NAME, _Module())
        everything = torch.library.Library("_", "IMPL")
        everything.fallback(_fallback, "PrivateUse1")
        kernels = torch.library.Library("aten", "IMPL")
        for name, kernel in KERNELS.items():
            kernels.impl(name, kernel, "PrivateUse1")
        _libraries.extend((everything, kernels))
    return torch.device(NAME, 0)


def _empty(size, dtype=None, **_):
    return _wrap(torch.empty(size, dtype=dtype))


def _empty_strided(size, stride, dtype=None, **_):
    return _wrap(torch.empty(size, dtype=dtype))


def _as_strided(x, size, stride, storage_offset=None):
    assert _raw(x).is_contiguous(), "a kernel is missing here: strides are asked of a view"
    return _wrap(_raw(x).as_strided(size, stride, storage_offset))


def _copy_from(source, target, non_blocking=False):
    _bare(target).copy_(_bare(source))
    return target


def _convolution(x, weight, bias, stride, padding, dilation, transposed, output_padding, groups):
    given = map(_bare, (x, weight, bias))
    return _wrap(torch.ops.aten.convolution(*given, stride, padding, dilation, transposed, output_padding, groups))


def _convolution_backward(grad, x, weight, stride, padding, dilation, transposed, output_padding, groups, mask):
    sizes = [weight.shape[1] * groups if transposed else weight.shape[0]]
    given = map(_bare, (grad, x, weight))
    options = (stride, padding, dilation, transposed, output_padding, groups, mask)
    return _wrapped(torch.ops.aten.convolution_backward(*given, sizes, *options))


def _arange(*ends, dtype=None, **_):
    return _wrap(torch.arange(*ends, dtype=dtype))


def _on_cpu(op):
    """A kernel that composes others on a device: computed on the CPU as a whole."""
    return lambda *args, **kwargs: _wrapped(op(*tree_map(_bare, args), **tree_map(_bare, kwargs)))


_aten, _libraries = torch.ops.aten, []
KERNELS = {
    "empty.memory_format": _empty, "empty_strided": _empty_strided,
    "_copy_from": _copy_from, "_copy_from_and_resize": _copy_from,
    "_local_scalar_dense": lambda x: _raw(x).item(),
    "convolution_overrideable": _convolution, "convolution_backward_overrideable": _convolution_backward,
    "native_batch_norm": _on_cpu(_aten.native_batch_norm.default),
    "native_batch_norm_backward": _on_cpu(_aten.native_batch_norm_backward.default),
    "arange": _arange, "arange.start": _arange, "arange.start_step": _arange,
    "as_strided": _as_strided, "_unsafe_view": lambda x, size: _wrap(_raw(x).reshape(size)),
    "_fused_sdp_choice": lambda *_, **__: 0,  # attention by matrix products, as written
}  # fmt: skip
# views, which PyTorch would compose of strides that our tensors do not keep; they share the memory of their base
VIEWS = (
    "diagonal", "expand", "permute", "select.int", "slice.Tensor", "split.Tensor", "split_with_sizes",
    "squeeze", "squeeze.dim", "squeeze.dims", "t", "transpose.int", "unbind.int", "unfold", "unsqueeze",
)
KERNELS |= {name: _on_cpu(attrgetter(name if "." in name else f"{name}.default")(_aten)) for name in VIEWS}
