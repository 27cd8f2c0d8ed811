"""Labels as a message: the weights are sent, and then the labels given the weights, by the coder of notebook 12.

Sender and receiver both have the pictures x. Each weight is a bucket of a grid that is as wide as the prior asks for.
Which bucket it is, bits of the message itself decide: popping it with q's table draws it from q and takes -log2 q bits
off the message, pushing it with the prior's table puts -log2 p bits on. The difference is its price. Who can repeat the
training from the labels has q, pushes the buckets back, and finds the bits that were taken. (Hinton and van Camp 1993;
Wallace 1990.)
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from course_utils.models import coder
from course_utils.models.coding import starts_of_cumulative
from course_utils.networks.arrays import Array
from course_utils.networks.random_weights import RandomNetwork, best_log_tau, count_weights, forward

WEIGHT_PRECISION, LABEL_PRECISION = 32, 16  # 4096 buckets with a slot each at least: a millionth of q, and no more
BUCKETS, REACH = 4096, 8.0  # from -8 tau to 8 tau: a bucket is tau / 256 wide, and the outer two have no end
EDGES = np.concatenate([[-np.inf], np.linspace(-REACH, REACH, BUCKETS + 1)[1:-1], [np.inf]])  # in units of tau
MIDDLES = (np.arange(BUCKETS) + 0.5) * (2 * REACH / BUCKETS) - REACH
ROUND = 1024  # logits are rounded to multiples of 2^-10, so that another machine's last digits make no other table


class Sent(NamedTuple):
    """The message, and its length in bits before anything was sent, with the labels on it, and with the weights too."""

    message: coder.Message
    borrowed: float  # bits that the choice of the weights took off
    labels: float
    weights: float  # what pushing the weights put on

    @property
    def bits(self) -> float:
        """What the message has grown by: -log2 of labels and prior, less what was borrowed."""
        return self.labels + self.weights - self.borrowed


def prior_scales(network: RandomNetwork) -> list[float]:
    """tau of each layer, float32 as it is sent: what the receiver must know beside the message."""
    return [float(np.float32(np.exp(best_log_tau(*part)))) for part in network]


def posterior_tables(network: RandomNetwork, scales: Sequence[float]) -> Array:
    """Starts (P, B + 1) of every weight's q over the buckets, layer after layer."""
    from scipy.special import ndtr

    mu, sigma = (
        np.concatenate([np.ravel(f(part)) / tau for part, tau in zip(network, scales, strict=True)])
        for f in (lambda part: np.asarray(part[0], float), lambda part: np.exp(np.asarray(part[1], float)))
    )
    return starts_of_cumulative(ndtr((EDGES - mu[:, None]) / sigma[:, None]), WEIGHT_PRECISION)


def prior_table() -> Array:
    """Starts (B + 1,) of the prior, the same for all weights in units of tau."""
    from scipy.special import ndtr

    return starts_of_cumulative(ndtr(EDGES), WEIGHT_PRECISION)


def weights_of(buckets: Array, scales: Sequence[float], sizes: Sequence[int]) -> list[Array]:
    """The weights at the middles of their buckets (P,), layer by layer W (in + 1, out), float64."""
    weights, at = [], 0
    for tau, n_in, n_out in zip(scales, sizes[:-1], sizes[1:], strict=True):
        some = buckets[at : at + (n_in + 1) * n_out]
        weights.append((tau * MIDDLES[some]).reshape(n_in + 1, n_out))
        at += some.size
    return weights


def label_tables(weights: Sequence[Array], x: Array) -> Array:
    """Starts (N, C + 1) of the labels, from logits in float64 that are rounded."""
    from scipy.special import softmax

    logits = np.rint(forward(weights, np.asarray(x, float)) * ROUND) / ROUND
    return coder.starts_of_probabilities(softmax(logits, axis=1), LABEL_PRECISION)


def sizes_of(network: RandomNetwork) -> list[int]:
    """[D, H..., C] of a network."""
    return [len(network[0][0]) - 1, *(mu.shape[1] for mu, _ in network)]


def pile_of(data: bytes, lanes: int = 4) -> coder.Message:
    """Bytes that wait to be sent, as a message to choose weights with; the last word is filled up with the first bytes.

    The first words go into the lanes' heads, and the last is the top of the tail: there a pop looks first, and zeros,
    in the heads or as filling, would choose improbable weights. Random bits choose weights as q would have them; what
    has a pattern is to be packed first (zlib), or stirred with a random sequence that both sides know.
    """
    if len(data) < 4 * lanes:
        raise ValueError(f"{lanes} lanes need at least {4 * lanes} bytes, but {len(data)} came")
    words = np.frombuffer(data + data[: -len(data) % 4], "<u4")
    return coder.Message(coder.LEAST + words[:lanes].astype(np.uint64), (words[lanes:].astype(np.uint32), ()))


def bytes_of(message: coder.Message) -> bytes:
    """The bytes of a pile, with the filling behind them: undoes `pile_of`."""
    words = coder.words_of(message)
    lanes = len(message.heads)
    heads, tail = words[len(words) - 2 * lanes :: 2], words[: len(words) - 2 * lanes]
    return np.concatenate([heads, tail]).astype("<u4").tobytes()


def send(message: coder.Message, network: RandomNetwork, x: Array, y: Array) -> Sent:
    """Puts labels and weights onto a message, which must hold enough bits to choose the weights with.

    Pops the weights' buckets with q, pushes the labels given these weights, pushes the buckets with the prior.
    """
    scales, tables = prior_scales(network), posterior_tables(network, prior_scales(network))
    lengths = [coder.length(message)]
    buckets, message = coder.pop_symbols(message, len(tables), tables, WEIGHT_PRECISION)
    lengths.append(coder.length(message))
    given = label_tables(weights_of(buckets, scales, sizes_of(network)), x)
    message = coder.push_symbols(message, y, given, LABEL_PRECISION)
    lengths.append(coder.length(message))
    message = coder.push_symbols(message, buckets, prior_table(), WEIGHT_PRECISION)
    lengths.append(coder.length(message))
    return Sent(message, lengths[0] - lengths[1], lengths[2] - lengths[1], lengths[3] - lengths[2])


def receive(
    message: coder.Message, scales: Sequence[float], sizes: Sequence[int], x: Array
) -> tuple[Array, Array, coder.Message]:
    """(labels, buckets, what is left of the message), by the prior and x alone: no q is needed for that."""
    P = count_weights(sizes)
    buckets, message = coder.pop_symbols(message, P, prior_table(), WEIGHT_PRECISION)
    given = label_tables(weights_of(buckets, scales, sizes), x)
    labels, message = coder.pop_symbols(message, len(x), given, LABEL_PRECISION)
    return labels, buckets, message


def give_back(message: coder.Message, buckets: Array, network: RandomNetwork, scales: Sequence[float]) -> coder.Message:
    """The message as it was before `send`, for a receiver who has found q, by the same training."""
    return coder.push_symbols(message, buckets, posterior_tables(network, scales), WEIGHT_PRECISION)
