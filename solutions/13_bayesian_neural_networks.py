# ---
# jupyter:
#   kernelspec:
#     display_name: Python 3
#     language: python
#     name: python3
# ---

# %% [markdown]
# # The price of weights
#
# *Lecture point L14, its last sentence. About {{core minutes}} minutes, 15 points; {{further minutes}} more and 1 point below "Further". [Glossary](00_start_here.ipynb#Glossary)*
#
# The lecture says of the KL term: "a more interesting interpretation comes with Bayesian neural networks", and leaves it there. Here it is. So far every $\mathbf{z}$ belonged to one picture. Now the unknowns are the *weights* of a network, which all pictures share,
# and the KL term says what these weights cost, **in bits**.
#
# A network that is sent along with the labels it predicts must not cost more than it saves. That one sentence decides how precise each weight has to be, which weights are needed at all, and how wide a network may be.
#
# By the end you can say, and show with numbers,
#
# - why a weight costs $\mathrm{KL}(q \,\Vert\, p)$ bits, and which weights cost nothing,
# - how many bits labels take together with the network that predicts them: a thousand you will send,
# - which width of the network the message chooses,
# - what random weights know that a single set of weights does not.

# %%
import autograd.numpy as anp
import numpy as np
from autograd import grad, value_and_grad
from scipy.stats import multivariate_normal, norm

# %%
from course_utils.checking import check, hint, predict, progress, reveal
from course_utils.data import load_doodles, load_mnist, shrink
from course_utils.explorables.price_explorer import price_explorer
from course_utils.models import bayesian, classifier, coder, hmc, weight_message
from course_utils.models import bayesian_regression as regression
from course_utils.networks import optim, random_weights
from course_utils.networks.fast import softmax_cross_entropy
from course_utils.showing import drawings, plots
from course_utils.showing.evidence import expect, results

LN2 = np.log(2)

# %% [markdown]
# ## 1. What does a weight cost?
#
# A sender and a receiver have the same pictures $\mathbf{x}$. The sender also has their labels $\mathbf{y}$ and wants to tell them. Ten classes, so $\log_2 10 = 3.32$ bits a label, if nothing better is known. A network that both have would help: label $y_n$ takes $-\log_2 p(y_n|\mathbf{x}_n, \mathbf{w})$ bits. But the receiver does not have $\mathbf{w}$. The sender must send it, too.
#
# How many bits for a weight? 32, as it lies in memory? With so many, a thousand weights cost more than most labels are worth. With fewer, the weights are rounded and the labels get dearer. Notebook 12 had this question for the latents of a picture, and the answer is the same:

# %%
fig, ax = drawings.weight_message()
plots.show(fig, alt="The sender trains q(w) on pictures and labels. Bits of another "
                    "message choose w from q. Labels, given w, and w, with the prior, "
                    "go into the message. The receiver takes w off, then the labels, "
                    "trains q from them, and gets the other bits back.")

# %% [markdown]
# Let the weights be cut into a fine grid. The sender does not choose the grid point: other bits, which are waiting to be sent anyway, choose it, by being decoded with $q(\mathbf{w})$. That takes $-\log_2 q(\mathbf{w})$ bits off the pile. Sending it with the prior $p(\mathbf{w})$ puts $-\log_2 p(\mathbf{w})$ on. The receiver, who has the labels in the end, can repeat the training, finds $q$, and gets the other bits back. So on average a set of weights costs
#
# $$\mathbb{E}_q\!\left[\log_2\frac{q(\mathbf{w})}{p(\mathbf{w})}\right] = \frac{1}{\ln 2}\,\mathrm{KL}(q \,\Vert\, p)\ \text{bits},$$
#
# however fine the grid is (Hinton and van Camp 1993). And the labels cost $-\mathbb{E}_q[\log_2 p(\mathbf{y}|\mathbf{x}, \mathbf{w})]$ bits. The sum of both is $-\mathcal{F}/\ln 2$: **the bound is the length of a message**, with its sign turned.
#
# We let each weight have its own Gaussian, $q(w) = \mathcal{N}(\mu, \sigma^2)$, and the prior be $\mathcal{N}(0, \tau^2)$.

# %% [markdown]
# {{exercise weight_prices}}

# %%
def weight_prices(mu, log_sigma, tau):
    """KL(N(mu, sigma^2) || N(0, tau^2)) of each weight, nats; (P,), (P,), number."""
    ### BEGIN SOLUTION
    squares = np.exp(2 * log_sigma) + mu ** 2
    return np.log(tau) - log_sigma + squares / (2 * tau ** 2) - 0.5
    ### END SOLUTION


# %%
weight_prices = check(weight_prices)

# %% [markdown]
# What does precision cost?

# %%
predict("13-halve", "A weight is narrow already, sigma = tau / 50. Make it half as "
        "wide: by how much does its price rise?",
        ["not at all", "one bit", "half of what it was", "to twice as much"])

# %%
widths = np.geomspace(0.004, 3, 200)
fig, ax = plots.figure(6.4, 3.6)
for m, colour in zip((0, 1, 2), (0, 1, 2)):
    bits = weight_prices(np.full(200, float(m)), np.log(widths), 1.0) / LN2
    ax.semilogx(widths, bits, color=plots.PALETTE[colour], label=f"μ = {m} τ")
ax.set(title="What a weight costs", xlabel="σ / τ", ylabel="bits", ylim=(0, 10.5))
ax.set_xticks([0.01, 0.1, 1], ["0.01", "0.1", "1"])
ax.legend()
plots.show(fig, alt="Price against sigma over tau, on a logarithmic axis, for three "
                    "means. From about 0.3 down the curves are straight lines that "
                    "rise by one bit for each halving. The lowest, for mean 0, "
                    "touches 0 at sigma = tau.")
reveal("13-halve", "one bit")

# %% tags=["expectation"]
narrow = np.log(np.array([1 / 50, 1 / 100]))
expect(np.diff(weight_prices(np.zeros(2), narrow, 1.0))[0] / LN2, 1, within=0.001)
expect(weight_prices(np.zeros(1), np.zeros(1), 1.0)[0], 0, within=1e-12)

# %% [markdown]
# The curves say it: $\log_2(\tau/\sigma)$ counts the digits that matter. A weight that the data leave as it is under the prior, $\mu = 0$ and $\sigma = \tau$, costs nothing: it is random, and any random number will do. So a weight is never *present* or *absent*; it has as many digits as it is worth.

# %% [markdown]
# ## 2. The exact case
#
# Before networks, a model in which all is exact. A curve is a sum of bumps with unknown heights,
#
# $$y_n = \sum_{p=1}^{P} w_p\, \mathrm{e}^{-(t_n - c_p)^2/2s^2} + \text{noise of variance } \eta, \qquad w_p \sim \mathcal{N}(0, \tau^2),$$
#
# and with $\mathbf{x}_n$ for the bumps at $t_n$ this is $\mathbf{y} = \mathbf{x}\mathbf{w} + \text{noise}$: the model of notebook 05 with the weights in the place of $\mathbf{z}$. Thirty data points lie in two clusters:

# %%
rng = np.random.default_rng(3)
centres, width = np.linspace(-1.2, 1.2, 21), 0.1
eta, tau = 0.02, 1.0
t = np.concatenate([rng.uniform(-0.95, -0.3, 18), rng.uniform(0.35, 0.85, 12)])
y = np.sin(5 * t) + 0.4 * np.cos(11 * t) + np.sqrt(eta) * rng.normal(size=len(t))
x = regression.bumps(t, centres, width)

# %% [markdown]
# The bound first, from samples of the weights, as one would for a network. (Blundell and others 2015 call its gradient *Bayes by backprop*.) In a VAE each example brings a KL term of its own. Here the weights are sent once, for all examples together:

# %% [markdown]
# {{exercise bayes_by_backprop_elbo}}

# %%
def bayes_by_backprop_elbo(mu, log_sigma, x, y, eta, tau, eps):
    """F in nats; mu, log_sigma (P,), x (N, P), y (N,), eps (S, P), with anp."""
    ### BEGIN SOLUTION
    w = mu + anp.exp(log_sigma) * eps
    error = anp.sum((y - w @ x.T) ** 2, axis=1)
    fit = -0.5 * len(y) * np.log(2 * np.pi * eta) - anp.mean(error) / (2 * eta)
    squares = anp.exp(2 * log_sigma) + mu ** 2
    kl = np.log(tau) - log_sigma + squares / (2 * tau ** 2) - 0.5
    return fit - anp.sum(kl)
    ### END SOLUTION


# %%
bayes_by_backprop_elbo = check(bayes_by_backprop_elbo)

# %% [markdown]
# How good can it get? Notebook 04's bound lies below $\log p(\mathbf{y}|\mathbf{x})$, the **evidence**, which is known here: sums of Gaussians are Gaussian.

# %% [markdown]
# {{exercise log_evidence}}

# %%
def log_evidence(x, y, eta, tau):
    """log p(y | x) in nats, the weights integrated out; x (N, P), y (N,)."""
    ### BEGIN SOLUTION
    C = eta * np.eye(len(y)) + tau ** 2 * x @ x.T
    _, log_det = np.linalg.slogdet(C)
    return -0.5 * (y @ np.linalg.solve(C, y) + log_det + len(y) * np.log(2 * np.pi))
    ### END SOLUTION


# %%
log_evidence = check(log_evidence)

# %% [markdown]
# And the best $q$ of independent weights is known, too. Since $\log p(\mathbf{y}|\mathbf{x}) - \mathcal{F} = \mathrm{KL}(q \,\Vert\, p(\mathbf{w}|\mathbf{x}, \mathbf{y}))$, it is the one that is nearest to the posterior in this sense:

# %% [markdown]
# {{exercise best_mean_field}}

# %%
def best_mean_field(x, y, eta, tau):
    """The best q of independent weights: means (P,), standard deviations (P,)."""
    ### BEGIN SOLUTION
    precision = np.eye(x.shape[1]) / tau ** 2 + x.T @ x / eta
    mean = np.linalg.solve(precision, x.T @ y / eta)
    return mean, 1 / np.sqrt(np.diag(precision))
    ### END SOLUTION


# %%
best_mean_field = check(best_mean_field)

# %% [markdown]
# Four candidates for $q$, and what each message would cost. "Marginals" takes each weight's own spread from the posterior's covariance:

# %%
predict("13-marginals", "The best q of independent weights, beside the posterior's own "
        "spread in each weight: how wide is it?",
        ["narrower", "as wide", "wider"])

# %%
mean, precision = regression.weight_posterior(x, y, eta, tau)
best_mu, best_sigma = best_mean_field(x, y, eta, tau)
own = np.sqrt(np.diag(np.linalg.inv(precision)))
evidence = log_evidence(x, y, eta, tau)
candidates = {"the prior": (0 * mean, 0 * mean + tau),
              "nearly a point": (mean, 0 * mean + 0.001),
              "marginals of the posterior": (mean, own),
              "best of independent weights": (best_mu, best_sigma)}

# %%
ledger = {}
for name, (m, s) in candidates.items():
    price = weight_prices(m, np.log(s), tau).sum()
    F = regression.exact_elbo(m, np.log(s), x, y, eta, tau)
    posterior_kl = regression.kl_to_posterior(m, s, x, y, eta, tau)
    ledger[name] = [price / LN2, -F / LN2, (evidence - F) / LN2, posterior_kl / LN2]
results(ledger, ["weights", "message", "above −log₂ p(y)", "KL(q ‖ posterior)"],
        digits=4, trained=False, caption="Bits")
reveal("13-marginals", "narrower" if np.all(best_sigma < own) else "as wide")

# %% tags=["expectation"]
for row in ledger.values():
    assert abs(row[2] - row[3]) < 1e-10 * max(1, abs(row[2]))
assert min(ledger, key=lambda n: ledger[n][1]) == "best of independent weights"
assert np.all(best_sigma < own)
assert ledger["marginals of the posterior"][1] > ledger["nearly a point"][1] + 20
expect(evidence, multivariate_normal(np.zeros(30), eta * np.eye(30) + x @ x.T)
       .logpdf(y), within=1e-8)

# %% [markdown]
# The third and the fourth column agree: what a message is too long is exactly $\mathrm{KL}(q \,\Vert\, p(\mathbf{w}|\mathbf{x},\mathbf{y}))$. The point is dear for its digits, the prior for its errors. (Numbers $y_n$ have a density, so $-\log_2 p$ counts bits up to the digits to which $y$ is sent, the same for every row.) And the best $q$ is *narrower* than the posterior's own widths, which are worse even than nearly a point: neighbouring bumps overlap, so what one has too much, another can take away. Independent weights cannot agree on that.
#
# The sampled bound, climbed by its gradients, must find the same $q$:

# %%
start = {"mu": np.zeros(21), "log_sigma": np.full(21, -1.0)}
rng = np.random.default_rng(0)
noise = (rng.normal(size=(16, 21)) for _ in iter(int, 1))
loss = lambda q, eps: -bayes_by_backprop_elbo(
    q["mu"], q["log_sigma"], x, y, eta, tau, eps)
found = optim.adam(loss, start, noise, 800, optim.cosine_decay(0.05, 800))
F_found = regression.exact_elbo(found["mu"], found["log_sigma"], x, y, eta, tau)
F_best = regression.exact_elbo(best_mu, np.log(best_sigma), x, y, eta, tau)
results({"climbed": F_found, "formula": F_best, "log p(y)": evidence}, digits=5,
        caption="Bound in nats")

# %% tags=["expectation"]
expect(F_found, F_best, within=0.1)
assert F_found <= F_best + 1e-9

# %% [markdown]
# Now what the weights cost one by one.

# %%
predict("13-empty", "Between the clusters there are no data. What does the weight of a "
        "bump there cost, in bits?",
        ["as much as the others", "more: nothing is known about it", "nearly 0"])

# %%
prices = weight_prices(best_mu, np.log(best_sigma), tau) / LN2
line = np.linspace(-1.2, 1.2, 300)
features = regression.bumps(line, centres, width)
band = 2 * regression.predictive_deviation(features, np.linalg.inv(precision))

# %%
fig, (above, below) = plots.figure(7, 4.6, rows=2, sharex=True, height_ratios=[1.5, 1])
above.fill_between(line, features @ mean - band, features @ mean + band,
                   color=plots.PALETTE[4], alpha=0.2, linewidth=0, label="± 2 sd")
above.plot(line, features @ mean, color=plots.PALETTE[4], label="posterior mean")
above.plot(t, y, "o", color=plots.PALETTE[0], label="data")
above.set(ylabel="y", ylim=(-4.4, 2.7), title="The data, and what each weight costs")
above.legend(loc="lower left", fontsize=9, ncols=3)
below.bar(centres, prices, 0.09, color=plots.PALETTE[1])
below.set(xlabel="t; a bar for each bump", ylabel="price (bits)", xlim=(-1.3, 1.3))
plots.show(fig, alt="Above, data in two clusters, the posterior's mean through them, "
                    "and a band that is narrow at the data and wide elsewhere. Below, "
                    "a bar for each bump's weight: some bits under the clusters, about "
                    "0 in the gap and at both ends.")
gap = np.abs(centres - 0.02) < 0.2
reveal("13-empty", "nearly 0")

# %%
results({"under the data": prices[x.sum(axis=0) > 1].mean(),
         "in the gap": prices[gap].mean(), "the most expensive": prices.max(),
         "all 21": prices.sum()}, trained=False, caption="Bits for the weights")

# %% tags=["expectation"]
assert prices[gap].max() < 0.1 and prices[x.sum(axis=0) > 1].min() > 1

# %% [markdown]
# Weights that meet no data stay as they were and cost nothing. There could be a thousand of them: in this reading it is not the *number* of weights that makes a model large, but how much the data have to say about them. ("Further" has a slider for the data.)

# %% [markdown]
# ## 3. Random weights in a network
#
# For a network the integrals are gone, and sampling is what remains: $w = \mu + \sigma\varepsilon$, notebook 06's trick. One draw of all weights for a minibatch of 200 is unbiased. But all 200 examples then share one $\varepsilon$, so their errors go the same way, and averaging over the minibatch does not remove them. Weights for each example would be better, and 200 times the work.
#
# There is a way around it. A layer only passes on $\mathbf{a} = \mathbf{h}W$, and if the weights are independent Gaussians, $a_j$ is a Gaussian, too. So draw that (Kingma, Salimans and Welling 2015):

# %% [markdown]
# {{exercise local_reparameterization}}

# %%
def local_reparameterization(h, mu, log_sigma, eps):
    """A sample of h W; h (N, I), mu, log_sigma (I, H), eps (N, H), with anp."""
    ### BEGIN SOLUTION
    variance = (h ** 2) @ anp.exp(2 * log_sigma)
    return h @ mu + anp.sqrt(variance) * eps
    ### END SOLUTION


# %%
local_reparameterization = check(local_reparameterization)

# %% [markdown]
# "Further" measures what it gains: in a layer like the next network's, the gradient's noise falls to about a ninth.

# %% [markdown]
# ## 4. The message chooses the prior
#
# One thing is left to choose, the prior's $\tau$, one for each layer. Nobody needs to guess: sender and receiver want a short message, and $\tau$ itself is one more number to send.

# %% [markdown]
# {{exercise best_prior_scale}}

# %%
def best_prior_scale(mu, log_sigma):
    """The tau at which weights mu, log_sigma (P,) cost least in all."""
    ### BEGIN SOLUTION
    return np.sqrt(np.mean(mu ** 2 + np.exp(2 * log_sigma)))
    ### END SOLUTION


# %%
best_prior_scale = check(best_prior_scale)

# %% [markdown]
# The library's trainer uses it at every step.

# %% [markdown]
# ## 5. A thousand labels, and ten thousand
#
# Now digits, averaged down to 7 × 7 pixels, so that a message is soon trained. The first network has no hidden layer: 49 pixels and a bias into ten logits, 500 weights, trained on the bound of a thousand labels, with `local_reparameterization`.

# %%
digits, doodles = load_mnist(), load_doodles()
small = lambda images: shrink(images, 7).astype(np.float32)
x_train, x_test = small(digits.x_train), small(digits.x_test)
y_train, y_test = digits.y_train, digits.y_test

# %%
N = 1000
few = x_train[:N], y_train[:N]
trained = lambda seed: bayesian.bayesian_train(
    *few, [49, 10], 1500, np.random.default_rng(seed), layer=local_reparameterization)
network = trained(seed=0)
weights, labels = bayesian.description_bits(
    network, *few, np.random.default_rng(1), 400)
point = classifier.classifier_train(
    *few, [49, 10], 1500, np.random.default_rng(0), step_size=2e-2)
given = classifier.class_log_probs(point, few[0])[np.arange(N), few[1]]


# %%
def on_a_grid(W, step):
    """Bits of weights W (50, 10), rounded to multiples of `step` tau, and of labels."""
    tau = np.sqrt(np.mean(W ** 2))
    k = np.rint(W / (step * tau))
    share = norm.cdf((k + 0.5) * step) - norm.cdf((k - 0.5) * step)  # of the prior
    logits = random_weights.forward([k * step * tau], few[0])
    return -np.log2(share).sum(), bayesian.label_bits(logits[None], few[1])[0]


def best_grid(W):
    """The same with the grid whose message is shortest."""
    return min((on_a_grid(W, step) for step in np.geomspace(0.1, 3, 30)), key=sum)


# %%
uniform = N * np.log2(10)
rows = {"ten classes, all alike": [0, uniform],
        "point estimate, 32 bits a weight": [32 * 500, -given.sum() / LN2],
        "point estimate, on the best grid": best_grid(np.vstack(point[0])),
        "means of q, on the best grid": best_grid(network[0][0]),
        "random weights": [weights, labels]}
results({name: [w, l, w + l, (w + l) / uniform] for name, (w, l) in rows.items()},
        ["weights", "labels", "message", "of the first"], digits=4,
        caption=f"Bits for {N} labels")

# %% tags=["expectation"]
expect((weights + labels) / uniform, 0.356, within=0.02)
assert (weights + labels) / uniform < 0.40
assert sum(rows["point estimate, 32 bits a weight"]) > 3 * uniform
for name in ("point estimate, on the best grid", "means of q, on the best grid"):
    assert 1.15 * (weights + labels) < sum(rows[name]) < 0.65 * uniform
# Steps in proportion to sigma do most of what q does more than its means on one grid.
by_mean, by_sigma = network[0][0], np.exp(network[0][1] - np.log(
    np.sqrt(np.mean(network[0][0] ** 2))))
finer = min(sum(on_a_grid(by_mean, f * by_sigma)) for f in np.geomspace(1, 8, 25))
assert weights + labels < finer
on_one_grid = sum(rows["means of q, on the best grid"])
assert on_one_grid - finer > 0.6 * (on_one_grid - weights - labels)

# %% [markdown]
# Little more than a third of the uniform code, weights included, with a bit for each weight on average. The point estimate's labels cost less still, but its weights, at 32 bits each, cost five times what they help to send. "On the best grid" they are rounded so that the whole message is shortest, which is most of the way. The rest, from the means of $q$ to $q$, is two things: each weight has digits of its own number (steps in proportion to its $\sigma$ would do most of it, but the receiver does not know them), and bits back. Where do the bits go?

# %%
tau_digits = best_prior_scale(*(part.ravel() for part in network[0]))
bits = weight_prices(*(a.ravel().astype(float) for a in network[0]), tau_digits) / LN2
pictures = bits.reshape(50, 10)[:49].T

# %%
fig, (upper, lower) = plots.figure(9.6, 2.7, rows=2)
plots.image_grid(network[0][0][:49].T, (7, 7), 10, ax=upper, diverging=True,
                 column_labels=list("0123456789"))
plots.image_grid(pictures, (7, 7), 10, ax=lower, limits=(0, pictures.max()),
                 column_labels=list("0123456789"))
fig.colorbar(upper.images[0], ax=upper, label="mean", shrink=0.75)
fig.colorbar(lower.images[0], ax=lower, label="price (bits)", shrink=0.75)
plots.show(fig, alt="Ten small pictures of weights, one for each digit. Above, the "
                    "means, red and blue strokes. Below, the prices: corners and edges "
                    "are black, the strokes that tell digits apart are bright, up to "
                    "{most} bits.", most=f"{pictures.max():.1f}")
corners = pictures.reshape(10, 7, 7)[:, [0, 0, 6, 6], [0, 6, 0, 6]]
results({"corner pixels": f"{corners.mean():.2f}", "all": f"{bits.mean():.2f}"},
        caption="Bits a weight")

# %% tags=["expectation"]
assert corners.mean() < 0.1 and bits.mean() > 0.7

# %% [markdown]
# White is dear. Corner pixels are black in every digit, so their weights say nothing and cost nothing.
#
# ### How many hidden units?
#
# More units fit the labels better, and cost more. Networks with 0, 5, 20 hidden units on 1,000 labels, and 0 to 80 on 10,000, with 2,000 steps (1,500 for 0 on 1,000):

# %%
predict("13-width", "Which width has the shortest message for 10,000 labels?",
        ["0 or 5", "10 or 20", "40 or 80"])


# %%
def fitted(N, H, seed=0, steps=2000):
    """The network, bits of its weights, bits of the N labels."""
    rows, sizes = (x_train[:N], y_train[:N]), [49, *([H] if H else []), 10]
    rng = np.random.default_rng(seed)
    net = bayesian.bayesian_train(*rows, sizes, steps, rng)
    return net, *bayesian.description_bits(net, *rows, np.random.default_rng(1))


ladders = {1000: {0: (network, weights, labels)}, 10_000: {}}
for H in (5, 20):
    ladders[1000][H] = fitted(1000, H)

# %%
for H in (0, 5, 10, 20, 40, 80):
    ladders[10_000][H] = fitted(10_000, H)

# %%
fig, axes = plots.figure(9, 3.5, columns=2, width_ratios=[3, 6])
for ax, (N_, ladder) in zip(axes, ladders.items()):
    parts = np.array([row[1:] for row in ladder.values()]) / (N_ * np.log2(10))
    places = np.arange(len(parts))
    ax.bar(places, parts[:, 0], color=plots.PALETTE[1], label="weights")
    ax.bar(places, parts[:, 1], bottom=parts[:, 0], color=plots.PALETTE[0],
           label="labels")
    ax.set_xticks(places, list(ladder))
    for place, total in zip(places, parts.sum(axis=1)):
        ax.text(place, total, f"{total:.3f}", ha="center", va="bottom", fontsize=9)
    ax.set(xlabel="hidden units", title=f"{N_:,} labels")
    ax.margins(y=0.2)
axes[0].set_ylabel("share of the uniform code")
axes[0].legend(fontsize=9, loc="upper left")
plots.show(fig, alt="Stacked bars of weights and labels. With 1,000 labels the message "
                    "is shortest without a hidden layer, and weights take a growing "
                    "share. With 10,000 it is shortest at 10 or 20 units, and "
                    "5 are worse than none.")

# %%
totals = {N_: {H: w + l for H, (_, w, l) in ladder.items()}
          for N_, ladder in ladders.items()}
shortest = {N_: min(t, key=t.get) for N_, t in totals.items()}
index = list(totals[10_000]).index(shortest[10_000])  # of six
reveal("13-width", ["0 or 5", "10 or 20", "40 or 80"][index // 2])

# %% tags=["expectation"]
share = {N_: {H: bits / (N_ * np.log2(10)) for H, bits in row.items()}
         for N_, row in totals.items()}
assert share[10_000][20] < 0.20 and share[10_000][20] < share[10_000][5] - 0.04
assert share[10_000][20] < min(share[10_000][0] - 0.01, share[10_000][80] - 0.02)
assert share[10_000][0] < share[10_000][5] - 0.01
assert shortest[1000] == 0 and shortest[10_000] in (10, 20)

# %% [markdown]
# A thousand labels are not worth a hidden layer; ten thousand are worth ten or twenty units, between which these messages do not decide. Nobody looked at a test set for that. L8 asked how large a code should be; one answer is: so large that the message is shortest. ("Further": other seeds, longer training, new digits.)

# %% [markdown]
# ## 6. Sent in earnest
#
# A bound is a promise. Notebook 12's coder keeps it: the sender's weights go onto a grid of 4,096 buckets for each $\tau$-scaled weight, chosen by other bits. These are a parcel that is waiting to be sent: seven doodles, one bit a pixel, stirred with a random sequence that both sides know, as bits with a pattern would choose improbable weights:

# %%
key = np.random.default_rng(13).integers(0, 256, 7 * 98, dtype=np.uint8)
parcel = np.packbits(doodles.x_test[:7] > 0.5) ^ key
pile = weight_message.pile_of(parcel.tobytes(), lanes=4)
sent = weight_message.send(pile, network, *few)
scales = weight_message.prior_scales(network)
file = coder.words_of(sent.message)
results({"taken, to choose the weights": sent.borrowed, "labels": sent.labels,
         "weights put on": sent.weights}, caption="Bits of one message", digits=5)
piles = [coder.random_message(np.random.default_rng(k), 4, 200) for k in range(12)]
others = [weight_message.send(one, network, *few).bits for one in piles]
results({"this pile has grown by": sent.bits, "−F / ln 2": weights + labels,
         "twelve other piles, mean": np.mean(others),
         "their s.d.": np.std(others)}, caption="Bits, less those taken", digits=4)

# %% tags=["expectation"]
expect(sent.bits, np.mean(others), within=5 * np.std(others))
assert np.mean(others) + 32 < 0.40 * uniform
expect(np.mean(others), weights + labels, within=4 * np.std(others) / 12 ** 0.5)

# %% [markdown]
# (Other bits choose other weights, and some are better than others; on average the message is as long as the bound says. 32 bits more tell the receiver $\tau$.) Now the receiver, with nothing but these words, $\tau$, the pictures, and the prior:

# %%
arrived = coder.message_of(file, lanes=4)
told, buckets, rest = weight_message.receive(arrived, scales, [49, 10], few[0])
print("labels restored:", f"{np.sum(told == few[1])} of {N}")

# %%
predict("13-seed", "The receiver repeats the training from the labels to find q, but "
        "with another seed for its noise. What is lost?",
        ["nothing", "the doodles", "the labels", "both"])


# %%
def parcel_with(q):
    """The doodles (7, 784), when the buckets are pushed back with the receiver's q."""
    pile = weight_message.give_back(rest, buckets, q, scales)
    found = weight_message.bytes_of(pile)[:parcel.size].ljust(parcel.size, b"\0")
    return np.unpackbits(np.frombuffer(found, np.uint8) ^ key).reshape(7, 784)


# %%
same, other = parcel_with(trained(seed=0)), parcel_with(trained(seed=1))
ax = plots.image_grid(np.vstack([same, other]), (28, 28), 7,
                      row_labels=["same seed", "another"])
ax.set_title("What came back")
plots.show(ax.figure, alt="Two rows of seven pictures. With the same seed, seven whole "
                          "doodles. With another, all but the first and a bit "
                          "of the second are noise.")
lost = {(True, True): "nothing", (True, False): "the doodles"}
reveal("13-seed", lost[(bool(np.all(told == few[1])), np.array_equal(same, other))])

# %% tags=["expectation"]
assert np.array_equal(told, few[1])
assert np.array_equal(same, doodles.x_test[:7] > 0.5)
assert np.mean(other[2:] == same[2:]) < 0.6 < 0.9 < np.mean(other[0] == same[0])

# %% [markdown]
# The labels need $\tau$ and the prior alone. The doodles need $q$ to the last digit, for it was $q$ that they had been decoded with (but for the bottom of the pile, the first doodle and a bit of the second, from which nothing was borrowed). That is the fine print of bits back for weights: whoever cannot repeat the training bit for bit (another machine, another library) has to round the weights and pay for them in full, as on section 5's best grid. In a VAE the encoder gives $q$ to both sides, in one pass (notebook 12).

# %% [markdown]
# ## 7. What they do not know
#
# A network with one set of weights must answer. Random weights can disagree. The prediction is the average over them:

# %% [markdown]
# {{exercise predictive}}

# %%
def predictive(logits):
    """Mean over the samples of the class probabilities: (S, N, C) -> (N, C)."""
    ### BEGIN SOLUTION
    e = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return np.mean(e / e.sum(axis=-1, keepdims=True), axis=0)
    ### END SOLUTION


# %%
predictive = check(predictive)

# %% [markdown]
# Show a network that has learned digits a doodle of a fish or an umbrella. It has ten outputs, none of which says "none of these". How sure is it?

# %%
point = classifier.classifier_train(
    x_train, y_train, [49, 20, 10], 2000, np.random.default_rng(0), step_size=1e-2)
sketched = small(doodles.x_train)
p_point = [np.exp(classifier.class_log_probs(point, a)) for a in (x_test, sketched)]
net = ladders[10_000][20][0]
draws = lambda q, pair: [bayesian.sampled_logits(q, a, np.random.default_rng(3), 50)
                         for a in pair]
logits = draws(net, (x_test, sketched))
p_bayes = [predictive(one) for one in logits]
sure = {"point estimate": p_point, "random weights": p_bayes}
results({name: [*(p.max(axis=1).mean() for p in ps), np.mean(ps[1].max(axis=1) > 0.9)]
         for name, ps in sure.items()}, ["digits", "doodles", "doodles above 0.9"],
        caption="Mean probability of the most probable class, and share above 0.9")

# %% tags=["expectation"]
assert p_point[1].max(axis=1).mean() > 0.75
assert p_bayes[1].max(axis=1).mean() < 0.65

# %% [markdown]
# Can the two kinds of pictures be told apart by how unsure the network is? As a score we take the **entropy** of the prediction, and for several networks also their **disagreement**: the entropy of the mean prediction, less the mean of their entropies. Of a smudged digit all say "a 4 or a 9, half and half"; of an umbrella one says "surely 4" and another "surely 7". The measure is the AUROC: the probability that a doodle scores higher than a digit; chance gives 0.5.
#
# The rivals: five point estimates, one by one and averaged, and the means $\boldsymbol\mu$ of $q$ alone.

# %%
predict("13-auroc", "Order them by how well they tell doodles from digits, best first.",
        order=["one point estimate", "the means of q alone",
               "five point estimates, averaged", "random weights"])

# %%
five = [point] + [classifier.classifier_train(
    x_train, y_train, [49, 20, 10], 2000, np.random.default_rng(seed), step_size=1e-2)
    for seed in range(1, 5)]
by_five = [np.stack([classifier.class_log_probs(c, a) for c in five])
           for a in (x_test, sketched)]
means = [random_weights.forward([m for m, _ in net], a)[None]
         for a in (x_test, sketched)]
auroc = lambda score, pair: bayesian.area_under_roc(*(score(a) for a in pair))
by_entropy = lambda logits: bayesian.entropy(predictive(logits))

# %%
singles = [auroc(by_entropy, [one[k:k + 1] for one in by_five]) for k in range(5)]
halves = [logits[0][:, ::2], logits[0][:, 1::2]]
table = {"one point estimate": [np.mean(singles), None],
         "the means of q alone": [auroc(by_entropy, means), None]}
for name, pair in {"five point estimates, averaged": by_five,
                   "random weights": logits,
                   "random weights, five draws": [one[:5] for one in logits],
                   "control: digits against digits": halves}.items():
    table[name] = [auroc(by_entropy, pair), auroc(bayesian.disagreement, pair)]

# %%
results(table, ["by entropy", "by disagreement"],
        caption="AUROC, doodles against digits (first row: mean over the five)")
best_of = {name: max(v for v in row if v) for name, row in list(table.items())[:4]}
reveal("13-auroc", sorted(best_of, key=best_of.get, reverse=True))

# %% tags=["expectation"]
assert table["random weights"][0] >= 0.90
assert table["random weights"][0] > max(singles) + 0.1
assert table["random weights"][1] > table["five point estimates, averaged"][1] + 0.01
expect(table["control: digits against digits"][0], 0.5, within=0.05)

# %%
order = np.argsort(bayesian.disagreement(logits[1]))
chosen = np.concatenate([order[:10], order[-10:]])
says = p_bayes[1].argmax(axis=1)
titles = [f"{doodles.names[doodles.y_train[i]]}: {says[i]}" for i in chosen]

# %%
fig, ax = plots.figure(7.2, 6)
plots.image_grid(sketched[chosen], (7, 7), 5, titles=titles, ax=ax,
                 row_labels=["agree", "agree", "disagree", "disagree"])
plots.show(fig, alt="Twenty doodles of 7 by 7 pixels, each with its name and the "
                    "digit that random weights find most probable. The ten about which "
                    "they disagree most, below, have more ink, up to the edge.")

# %% [markdown]
# (Over each: its name, and what random weights take it for.) On digits the draws of $q$ agree. Where do they not? Doodles have ink at the edge, where nearly all digits are dark. Weights from there cost little (the last column below), so they are nearly the prior, and each draw says something else. Is it the edge? Controls: the ink there alone, without a network; and draws in which the first layer's weights are random for the edge only, or for the pixels inside only (the second layer as it was).

# %%
edge = np.pad(np.zeros((5, 5), bool), 1, constant_values=True).ravel()
(mu, log_sigma), top = net
fixed = lambda pixels: [(mu, log_sigma - 20 * np.append(pixels, 0)[:, None]), top]
ink = lambda pictures: pictures[:, edge].sum(axis=1)
price_of = bayesian.weight_prices(
    mu, log_sigma, bayesian.best_prior_scale(mu, log_sigma)).mean(axis=1)[:49] / LN2
by_edge = {"ink at the edge": [auroc(ink, (x_test, sketched)), None, None]}
for name, still in [("random at the edge only", ~edge), ("random inside only", edge)]:
    pair = draws(fixed(still), (x_test, sketched))
    by_edge[name] = [auroc(by_entropy, pair), auroc(bayesian.disagreement, pair),
                     price_of[~still].mean()]
results(by_edge, ["AUROC: entropy", "AUROC: disagreement", "bits a random weight"])

# %% tags=["expectation"]
assert by_edge["ink at the edge"][0] > 0.99
only, all_but = list(by_edge.values())[1:]
expect(only[0], table["random weights"][0], within=0.03)
expect(only[1], table["random weights"][1], within=0.02)
expect(all_but[0], table["the means of q alone"][0], within=0.05)
most, least = (ink(sketched[k]).mean() for k in (chosen[10:], chosen[:10]))
assert most > 2 * least
expect(only[2], 0.48, within=0.2)
assert all_but[2] > 4 * only[2]

# %% [markdown]
# All that randomness adds comes from the edge, whose ink needs no network. So random weights do not see that an umbrella is no digit. ("Further" clears the edge.) What they know is smaller, and exact: **which inputs the labels have said nothing about.**

# %% [markdown]
# ## What you have shown
#
# - The bound of a network with random weights is the length of a message that tells the labels: $\mathrm{KL}(q \,\Vert\, p)/\ln 2$ bits for the weights, by bits back, and $-\mathbb{E}_q[\log_2 p(\mathbf{y}|\mathbf{x}, \mathbf{w})]$ for the labels (L14). For a narrow weight half the width is one bit more; one that meets no data costs nothing.
# - In Bayesian regression all of it is exact: evidence, best independent weights, and a gap that is $\mathrm{KL}(q \,\Vert\, \text{posterior})$.
# - With the weights in it, a thousand labels take about a third of the uniform code, ten thousand less than a fifth. Without a look at test data, the message prefers no hidden layer for the former and ten or twenty units for the latter.
# - The message was sent. Labels need $\tau$ and the prior; the bits that were borrowed come back only to whoever repeats the training exactly.
# - Random weights disagree where doodles light pixels that hardly any digit has. A point estimate gives about half of them a probability above 0.9.
#
# ## What is left open
#
# Everything here was one bound: reconstruction against KL, in notebook 05 for one picture, in 08 for a data set, here for the network itself. Send the labels *one after another* instead, and let the receiver learn as they come in: then no weight is ever sent. **Is that shorter?** "Further" sends them.

# %%
# NBVAL_IGNORE_OUTPUT
progress()

# %% [markdown]
# ## Further ({{further minutes}} minutes)

# %% [markdown]
# ### Explore
#
# The data of section 2 come in one by one, in random order. (a) With no data, what does each weight cost? (b) Which weights become expensive with the first point, and how high do they get with the thirtieth? (c) Make the noise ten times smaller. By how many bits does a weight in a cluster rise? (Lines: the posterior's mean, and ± 2 standard deviations.)

# %%
turns = np.random.default_rng(0).permutation(len(t))
price_explorer(t[turns], y[turns], centres, width, eta, tau)

# %% [markdown] tags=["expectation"]
# <details><summary>Answers</summary>
#
# (a) Nothing: $q$ is the prior. (b) Those whose bumps reach the point: two or three. Their bars grow with every further point near by, up to 3.5 bits, but ever more slowly: four times the data halve $\sigma$, which is one bit. (c) By about $\frac12\log_2 10 = 1.7$ bits where the data decide alone: $\sigma^2$ is proportional to $\eta$ there.
#
# </details>

# %% [markdown]
# ### Chance, or too little training?
#
# Section 5's ladder again, with another seed for 20 units and twice the steps for 20 and 80; and what each network makes of 2,000 digits that it has not seen:

# %%
again = {"20, another seed": fitted(10_000, 20, seed=1)}
again |= {f"{H}, twice the steps": fitted(10_000, H, steps=4000) for H in (20, 80)}


# %%
def tested(net, x=x_test, y=y_test, S=50):
    """Nats and errors per digit of the mean prediction of S draws of the weights."""
    logits = bayesian.sampled_logits(net, x, np.random.default_rng(2), S)
    p = bayesian.predictive(logits)
    return -np.mean(np.log(p[np.arange(len(y)), y])), np.mean(p.argmax(axis=1) != y)


rows = {f"{H} units": one for H, one in ladders[10_000].items()} | again
code = 10_000 * np.log2(10)
results({name: [(w + l) / code, *tested(net)] for name, (net, w, l) in rows.items()},
        ["message (share)", "nats a test digit", "test errors"], best="lowest")

# %% tags=["expectation"]
share = {name: (w + l) / code for name, (net, w, l) in rows.items()}
wrong = {H: rows[f"{H} units"][0] for H in (20, 40)}
wrong = {H: bayesian.predictive(bayesian.sampled_logits(
    q, x_test, np.random.default_rng(2), 50)).argmax(axis=1) != y_test
    for H, q in wrong.items()}
more = wrong[20].astype(int) - wrong[40]
assert more.mean() > 2 * more.std() / len(more) ** 0.5  # and not by chance
assert share["20, another seed"] < min(0.20, share["80 units"] - 0.02)
assert share["20, twice the steps"] < min(share["20 units"],
                                           share["80, twice the steps"] - 0.02)

# %% [markdown]
# Not chance. More steps make the messages shorter, so none of these networks is trained to its end, but twenty units stay far ahead of eighty. Which network *predicts* best is another question: forty units, with a longer message than twenty, make fewer errors on new digits.

# %% [markdown]
# ### One label after another
#
# Sender and receiver start with the same network and the same seed. The sender sends label 1 with the network as it is, both train on it, label 2 is sent with the new network, and so on (*prequential* code, Dawid 1984; Blier and Ollivier 2018 measured it for deep networks). No weight is sent, ever: the receiver computes them.

# %% [markdown]
# {{exercise prequential_bits}}

# %%
def prequential_bits(log_probs):
    """Bits of labels that got these natural log probabilities; (N,) -> a number."""
    ### BEGIN SOLUTION
    return -np.sum(log_probs) / np.log(2)
    ### END SOLUTION


# %%
prequential_bits = check(prequential_bits)

# %%
predict("13-prequential", "Ten thousand labels took about 0.18 of the uniform code "
        "with random weights. And one after another, with point estimates of 50 units?",
        ["less: about 0.17", "more: about 0.25", "more than 1"])

# %% [markdown]
# Training anew for every label would take too long, so both train before labels 51, 101, 201, 401, ..., by a rule that was fixed beforehand; the first fifty are sent with the uniform code. Point estimates, which could not be sent, are welcome here.

# %%
ends = [50, 100, 200, 400, 800, 1600, 3200, 6400, 10_000]
log_probs = [np.full(50, -np.log(10))]
for seen, until in zip(ends, ends[1:]):
    model = classifier.classifier_train(
        x_train[:seen], y_train[:seen], [49, 50, 10], int(np.clip(seen, 100, 1600)),
        np.random.default_rng(0), min(seen, 100), step_size=1e-2)
    block = slice(seen, until)
    ahead = classifier.class_log_probs(model, x_train[block])
    log_probs.append(ahead[np.arange(until - seen), y_train[block]])
so_far = np.cumsum([prequential_bits(block) for block in log_probs])

# %%
fig, ax = plots.figure(6.4, 3.6)
ax.semilogx(ends, so_far / (np.log2(10) * np.array(ends)), "o-",
            color=plots.PALETTE[0], label="one after another")
shortest_bits = {N_: min(t_.values()) for N_, t_ in totals.items()}
ax.semilogx(list(shortest_bits), [b / (np.log2(10) * N_) for N_, b in
            shortest_bits.items()], "s", markersize=9, fillstyle="none",
            markeredgewidth=2, color=plots.PALETTE[1], label="weights and labels")
ax.set(xlabel="labels", ylabel="share of the uniform code", ylim=(0, 1.05))
ax.set_title("Length of the message")
ax.legend()
plots.show(fig, alt="Share of the uniform code against the number of labels, which is "
                    "on a logarithmic axis. One label after another falls from 1 to "
                    "about a sixth, and runs a little below the two squares of the "
                    "messages with weights.")

# %%
twice = sum(again["20, twice the steps"][1:])
shares = {"one after another": so_far[-1] / code,
          "weights and labels, ladder": shortest_bits[10_000] / code,
          "20 units, twice the steps": twice / code}
results(shares, caption="Share of the uniform code, 10,000 labels")
less = so_far[-1] < shortest_bits[10_000]
reveal("13-prequential", "less: about 0.17" if less else "more: about 0.25")

# %% tags=["expectation"]
expect(so_far[-1] / code, 0.162, within=0.008)
assert so_far[-1] < shortest_bits[10_000]
assert abs(twice - so_far[-1]) / code < 0.01

# %% [markdown]
# Shorter than all of the ladder, and with a network of more units than a message with weights could afford there. But a message with weights that is trained for twice as long is about as short: what is sent is not what makes the difference; each hangs on its training. In the exact case they are the same: by the chain rule, $\log p(\mathbf{y}|\mathbf{x}) = \sum_n \log p(y_n|\mathbf{x}_n, \mathbf{y}_{<n})$, and a message with weights whose $q$ is the posterior has just this length, too. On the data of section 2:

# %%
one_by_one = [log_evidence(x[:n], y[:n], eta, tau) for n in range(1, len(y) + 1)]
increments = np.diff(one_by_one, prepend=0)
held = []
for n in range(len(y)):
    m_n, P_n = (regression.weight_posterior(x[:n], y[:n], eta, tau))
    sd = regression.predictive_deviation(x[n:n + 1], np.linalg.inv(P_n), eta)[0]
    held.append(norm.logpdf(y[n], x[n] @ m_n, sd))
assert np.allclose(increments, held)
print(f"evidence {evidence:.6f} = sum of predictions {np.sum(held):.6f}")

# %% [markdown]
# ### One draw for all, or each its own
#
# Is section 3's layer the same distribution, and is it worth it? A layer of 49 inputs and 10 outputs, 200 digits, and the gradient of a cross-entropy by one row of $\boldsymbol\mu$, 400 times each way:

# %%
rng = np.random.default_rng(1)
h, targets = x_train[:200].astype(float), np.eye(10)[y_train[:200]]
m, s = 0.3 * rng.normal(size=(49, 10)), np.full((49, 10), np.log(0.3))
loss_of = lambda a: -anp.sum(targets * classifier.log_softmax(a)) / 200
shared = grad(lambda m, e: loss_of(h @ (m + np.exp(s) * e)))
local = grad(lambda m, e: loss_of(local_reparameterization(h, m, s, e)))

# %%
by_shared = np.array([shared(m, rng.normal(size=(49, 10)))[24] for _ in range(400)])
by_local = np.array([local(m, rng.normal(size=(200, 10)))[24] for _ in range(400)])
both = {"one draw for the minibatch": by_shared, "each example its own": by_local}
results({name: [g.mean(axis=0)[0], g.std(axis=0).mean()] for name, g in both.items()},
        ["mean of an entry", "standard deviation"], trained=False, digits=2)
ratio = by_shared.std(axis=0).mean() / by_local.std(axis=0).mean()
difference = (by_shared.mean(axis=0) - by_local.mean(axis=0))
z_scores = difference / np.hypot(by_shared.std(axis=0), by_local.std(axis=0)) * 20
print("largest z-score of the ten differences:", np.abs(z_scores).max().round(1))
print(f"ratio of the deviations: {ratio:.1f}")

# %% tags=["expectation"]
assert np.abs(z_scores).max() < 4
assert 5 < ratio < 12, ratio

# %% [markdown]
# The same on average, and the noise is several times smaller; its square is how many draws of all weights would do the same. All this for one more matrix product.

# %% [markdown]
# ### Doodles without their edge
#
# Section 7 again, with the outermost pixels of digits and doodles made black:

# %%
cleared = [a * ~edge for a in (x_test, sketched)]
for_both = {"five point estimates": [np.stack([classifier.class_log_probs(c, a)
                                               for c in five]) for a in cleared],
            "random weights": draws(net, cleared)}
without_edge = {name: [auroc(by_entropy, pair), auroc(bayesian.disagreement, pair)]
                for name, pair in for_both.items()}
results(without_edge, ["by entropy", "by disagreement"],
        caption="AUROC, doodles against digits, edge cleared")

# %% tags=["expectation"]
for k, within in enumerate((0.03, 0.03)):
    expect(without_edge["random weights"][k], without_edge["five point estimates"][k],
           within=within)
    assert 0.8 < without_edge["random weights"][k] < 0.9

# %% [markdown]
# The lead is gone: five point estimates tell doodles from digits as well as random weights do, both much worse than the ink at the edge. (With the edge, five draws of $q$ do a little better than five point estimates; but these are five trainings, and more draws cost little.)

# %% [markdown]
# ### The best prior of section 2
#
# There the prior's scale was 1, by no reason. Best $q$ and best $\tau$ by turns:

# %%
tau_now = tau
for _ in range(200):
    q_mu, q_sigma = best_mean_field(x, y, eta, tau_now)
    tau_now = best_prior_scale(q_mu, np.log(q_sigma))
shorter = {f"τ = {value:.3g}": -regression.exact_elbo(
    q[0], np.log(q[1]), x, y, eta, value) / LN2 for value, q in
    [(tau, (best_mu, best_sigma)), (tau_now, (q_mu, q_sigma))]}
results(shorter, caption="Message in bits", digits=4, trained=False)

# %% tags=["expectation"]
assert min(shorter.values()) == list(shorter.values())[1]

# %% [markdown]
# ### Where independent weights fail
#
# In section 2 each bump had its place. Let each feature reach everywhere instead: 200 random kinks $\max(0, a_j t + b_j)$, a layer of a ReLU network. Same data, same prior, exact posterior beside the best $q$ of independent weights:

# %%
rng = np.random.default_rng(0)
a_kink, b_kink = rng.normal(size=(2, 200)) * np.array([[6.0], [4.0]])
kinks = lambda at: np.maximum(0, np.multiply.outer(at, a_kink) + b_kink) / 5
x_kink, on_line = kinks(t), kinks(line)
post_mean, post_P = regression.weight_posterior(x_kink, y, eta, 1.0)
_, mf_sigma = best_mean_field(x_kink, y, eta, 1.0)
spread = {"exact posterior": np.linalg.inv(post_P),
          "independent weights": mf_sigma ** 2}
bands = {name: regression.predictive_deviation(on_line, C)
         for name, C in spread.items()}

# %%
fig, axes = plots.figure(9.4, 3.2, columns=2, sharey=True)
for ax, (name, sd), colour in zip(axes, bands.items(), (4, 6)):
    middle = on_line @ post_mean
    ax.fill_between(line, middle - 2 * sd, middle + 2 * sd, alpha=0.3, linewidth=0,
                    color=plots.PALETTE[colour])
    ax.plot(line, middle, color=plots.PALETTE[colour])
    ax.plot(t, y, "o", color=plots.PALETTE[0], markersize=4)
    ax.set(xlabel="t", title=f"{name}: ± 2 sd", xlim=(-1.2, 1), ylim=(-4.2, 3))
axes[0].set_ylabel("y")
plots.show(fig, alt="The same curve through two clusters with two bands. Left, the "
                    "exact one bulges in the gap. Right, that of independent weights "
                    "is wider at the data than in the gap.")
in_gap, at_data = np.abs(line - 0.02) < 0.1, (line > -0.9) & (line < -0.4)
results({name: [sd[at_data].mean(), sd[in_gap].mean()] for name, sd in bands.items()},
        ["at the data", "in the gap"], trained=False,
        caption="Standard deviation of the curve")

# %% tags=["expectation"]
exact_sd, mean_field_sd = bands.values()
assert exact_sd[in_gap].mean() > 5 * exact_sd[at_data].mean()
assert mean_field_sd[in_gap].mean() < mean_field_sd[at_data].mean()
assert np.all(np.diff(mean_field_sd ** 2, 2) > -1e-9)

# %% [markdown]
# That is no accident of these data. The variance of independent weights is $\sum_j \sigma_j^2\,\phi_j(t)^2$; each squared kink is convex in $t$, and so is their sum. A convex function has no bulge: between two clusters it cannot rise above its larger value at the two. (At the data the band is too wide, for independent errors do not cancel.) What is not known *in between* needs weights that are correlated (Foong and others 2020 prove more of this kind). So the doodles of section 7 do not say that independent weights are enough.

# %% [markdown]
# ### Calibration, and cold posteriors
#
# If a network is right in 80 % of the cases in which it says "80 %", it is *calibrated*. The bound would have it that the KL has weight 1. Try less, on a thousand labels and 20 units ("cold" posteriors, Wenzel and others 2020):

# %%
def judged(p):
    """Nats a test digit, errors, and confidence less accuracy of probabilities."""
    right = p.argmax(axis=1) == y_test
    return [-np.mean(np.log(p[np.arange(len(p)), y_test])), 1 - right.mean(),
            p.max(axis=1).mean() - right.mean()]

# %%
cold = {}
for weight in (1.0, 0.3, 0.01):
    q = ladders[1000][20][0] if weight == 1 else bayesian.bayesian_train(
        *few, [49, 20, 10], 1500, np.random.default_rng(0), kl_weight=weight)
    bits = sum(bayesian.description_bits(q, *few, np.random.default_rng(1)))
    logits_q = bayesian.sampled_logits(q, x_test, np.random.default_rng(2), 50)
    cold[f"KL × {weight:g}"] = [bits / uniform, *judged(predictive(logits_q))]
point_few = classifier.classifier_train(
    *few, [49, 20, 10], 1500, np.random.default_rng(0), step_size=1e-2)
cold["point estimate"] = [None, *judged(np.exp(classifier.class_log_probs(
    point_few, x_test)))]
results(cold, ["message (share)", "nats a test digit", "test errors",
               "confidence − accuracy"])

# %% tags=["expectation"]
assert cold["KL × 0.3"][1] < cold["KL × 1"][1] - 0.02
assert cold["KL × 1"][0] < cold["KL × 0.3"][0]
assert cold["KL × 1"][3] < -0.05 and cold["point estimate"][3] > 0.02

# %% [markdown]
# With the weight that theory asks for, the network says less than it knows: it is right more often than it claims. The point estimate claims too much. In between lies a weight that predicts better than both, and has a longer message. Why is disputed: is it the family, independent Gaussians, the prior and the likelihood, or training that has not come to its end?
#
# The network without a hidden layer is small enough to find out. *Hamiltonian Monte Carlo* (Neal 2011) draws its 500 weights from the exact posterior: steps along the gradient of $\log p(\mathbf{y}, \mathbf{w}|\mathbf{x})$ with a random push, and no family at all. Beside it stand Gaussians that were trained for longer, whose $\tau$ it has, and those of section 5:

# %%
longer = bayesian.bayesian_train(*few, [49, 10], 4000, np.random.default_rng(0))
tau_long = best_prior_scale(*(part.ravel() for part in longer[0]))
ones, classes = random_weights.with_ones(few[0].astype(float)), np.eye(10)[few[1]]
log_joint = lambda W: (-anp.sum(softmax_cross_entropy(classes, ones @ W))
                       - anp.sum(W ** 2) / (2 * tau_long ** 2))
drawn, accepted = hmc.hmc_sample(value_and_grad(log_joint), longer[0][0],
                                 150, 80, 12, np.random.default_rng(0))
colder = bayesian.bayesian_train(*few, [49, 10], 1500, np.random.default_rng(0),
                                 kl_weight=0.1)

# %%
by_hmc = {"exact posterior": [random_weights.forward([W], x_test) for W in drawn]}
for name, q in [("Gaussians, 4,000 steps", longer), ("1,500 steps", network),
                ("KL × 0.1, 1,500 steps", colder)]:
    by_hmc[name] = bayesian.sampled_logits(q, x_test, np.random.default_rng(2), 150)
exactly = {name: judged(predictive(np.array(one))) for name, one in by_hmc.items()}
results(exactly, ["nats a test digit", "test errors", "confidence − accuracy"],
        caption="No hidden layer, 1,000 labels")

# %% tags=["expectation"]
assert 0.6 < accepted < 0.98
exact_row, long_row, short_row, cold_row = exactly.values()
expect(long_row[0], exact_row[0], within=0.012)
assert cold_row[0] < exact_row[0] - 0.01
assert short_row[0] > long_row[0] + 0.015 and short_row[2] < long_row[2] - 0.02
expect(exact_row[2], -0.05, within=0.02)
missed = [predictive(np.array(by_hmc[name])).argmax(axis=1) != y_test
          for name in ("exact posterior", "Gaussians, 4,000 steps")]
fewer = missed[0].astype(int) - missed[1]
assert fewer.mean() > 2 * fewer.std() / len(fewer) ** 0.5  # and not by chance

# %% [markdown]
# Trained for longer, the Gaussians have as few nats as the exact posterior, and fewer errors: here it is not the family. A part of the modesty was unfinished training, in which $\tau$ had not grown yet. But even the exact posterior claims some five points too little, and the cold Gaussians have fewer nats: that is left for the prior or the likelihood to answer.

# %% [markdown]
# ### Which weights can go?
#
# A weight with $|\mu| \ll \sigma$ is noise, and is set to 0. By *signal to noise*, $|\mu|/\sigma$ (Graves 2011, Blundell and others 2015), by size, by size times the root mean square of what the weight is multiplied with, or at random; and the point estimate's by size, alone or times input. No training afterwards.

# %%
def pruned(weights, score, keep):
    """Test errors with the share `keep` of the weights of highest score."""
    flat = np.concatenate([s.ravel() for s in score])
    least = np.quantile(flat, 1 - keep)
    kept = [W * (s >= least) for W, s in zip(weights, score)]
    wrong = random_weights.forward(kept, x_test).argmax(axis=1) != y_test
    return wrong.mean(), wrong.std() / np.sqrt(len(wrong))


q_means = [m for m, _ in net]
of_point = [np.vstack(layer) for layer in five[0]]
rng = np.random.default_rng(0)


# %%
def by_input(weights):
    """Size of each weight times the root mean square of what it is multiplied with."""
    hidden = np.tanh(random_weights.forward(weights[:1], x_train))
    inputs = [random_weights.with_ones(h) for h in (x_train, hidden)]
    return [abs(W) * np.sqrt(np.mean(h ** 2, axis=0))[:, None]
            for W, h in zip(weights, inputs)]

# %%
scores = {"signal to noise": (q_means, [abs(m) / np.exp(s) for m, s in net]),
          "size": (q_means, [abs(m) for m in q_means]),
          "size times input": (q_means, by_input(q_means)),
          "at random": (q_means, [rng.random(m.shape) for m in q_means]),
          "point estimate, size": (of_point, [abs(W) for W in of_point]),
          "point estimate, size times input": (of_point, by_input(of_point))}
keeps = (1, 0.75, 0.5, 0.4, 0.3)
cut = {name: [pruned(*pair, keep) for keep in keeps] for name, pair in scores.items()}
results(cut, [f"{keep:.0%} kept" for keep in keeps], best="lowest",
        caption="Test errors ± standard error")

# %% tags=["expectation"]
cut = {name: [error for error, _ in row] for name, row in cut.items()}
assert cut["signal to noise"][2] < cut["size"][2] < cut["at random"][2]
assert cut["size times input"][2] < cut["signal to noise"][2] + 0.015
assert cut["signal to noise"][2] < 0.1 < cut["point estimate, size"][2]
by_product = cut["size times input"], cut["point estimate, size times input"]
assert abs(by_product[1][2] - by_product[0][2]) < 0.02
assert cut["signal to noise"][4] < min(row[4] for row in by_product) - 0.02

# %% [markdown]
# Half of the weights can go for about one more error in a hundred. Size alone is the worse judge, for a small weight of a pixel that is often lit does more than a large one of a pixel that never is. Size times input sees that, without any $\sigma$, and for the point estimate as well. Only where less than half is kept does $\sigma$ know more.

# %% [markdown]
# **Sources.** G. Hinton and D. van Camp, *Keeping neural networks simple by minimizing the description length of the weights*, 1993. C. Blundell and others, *Weight uncertainty in neural networks*, 2015. D. Kingma, T. Salimans and M. Welling, *Variational dropout and the local reparameterization trick*, 2015. A. P. Dawid, *Statistical theory: the prequential approach*, 1984. L. Blier and Y. Ollivier, *The description length of deep learning models*, 2018. A. Foong and others, *On the expressiveness of approximate inference in Bayesian neural networks*, 2020. F. Wenzel and others, *How good is the Bayes posterior in deep neural networks really?*, 2020. R. Neal, *MCMC using Hamiltonian dynamics*, 2011. A. Graves, *Practical variational inference for neural networks*, 2011. Digits: MNIST, Y. LeCun, C. Cortes, C. Burges.
