"""Answers to the exercises of chapter 13."""

import torch

from geokit import coefficient_of_variation as cv


def mean_log_ratio(first, second):
    return (cv(second) / cv(first)).log().mean()


def loop(one, resamples):
    return torch.stack([one() for _ in range(resamples)])


def factor(first):
    return (len(first) / (len(first) - 1)) ** 0.5


def over_models(first, second, resamples, draws):
    M = len(first)

    def one():
        rows = torch.randint(M, (M,), generator=draws)
        return mean_log_ratio(first[rows], second[rows])

    return mean_log_ratio(first, second), loop(one, resamples).std() * factor(first)


def over_pairs(first, second, resamples, draws):
    P = first.shape[1]

    def one():
        pairs = torch.randint(P, (P,), generator=draws)
        return mean_log_ratio(first[:, pairs], second[:, pairs])

    return mean_log_ratio(first, second), loop(one, resamples).std()


def paired_test(first, second, resamples, draws):
    d = (cv(second) / cv(first)).log()
    return d.mean(), d.std() / len(d) ** 0.5


def each_pair_its_own_models(first, second, resamples, draws):
    M, P = first.shape

    def one():
        rows = torch.randint(M, (M, P), generator=draws)
        return mean_log_ratio(first.gather(0, rows), second.gather(0, rows))

    return mean_log_ratio(first, second), loop(one, resamples).std() * factor(first)


def two_draws(first, second, resamples, draws):
    """Other models for the second distance than for the first."""
    M = len(first)

    def one():
        a, b = torch.randint(M, (2, M), generator=draws)
        return mean_log_ratio(first[a], second[b])

    return mean_log_ratio(first, second), loop(one, resamples).std() * factor(first)


def without_the_factor(first, second, resamples, draws):
    """A resample scatters about the models at hand: as a variance with M in place of M − 1."""
    mean, error = over_models(first, second, resamples, draws)
    return mean, error / factor(first)


def of_the_mean(first, second, resamples, draws):
    mean, error = over_models(first, second, resamples, draws)
    return mean, error / resamples**0.5


def exchanged(first, second, resamples, draws):
    return over_models(second, first, resamples, draws)


def centre_of_the_resamples(first, second, resamples, draws):
    """The mean of the resamples in place of the estimate."""
    mean, error = over_models(first, second, resamples, draws)
    return mean + 0.01 * error, error


def ratio_of_means(first, second, resamples, draws):
    _, error = over_models(first, second, resamples, draws)
    return (cv(second).mean() / cv(first).mean()).log(), error


def without_scale(d):
    return d / d.mean(dim=1, keepdim=True)


def fair(geodesic, euclidean):
    return mean_log_ratio(without_scale(euclidean), geodesic).exp()


SOLUTIONS = {"13.1": "abe", "13.2": over_models, "13.3": fair, "13.4": 13.1}

STUBS = {
    "13.1": None,
    "13.2": lambda first, second, resamples, draws: ...,
    "13.3": lambda geodesic, euclidean: None,
    "13.4": ...,
}

WRONG = {
    "13.1": ["abde", "cde", "be", "c", "abe d"],  # d: the mean of inverses
    "13.2": [
        over_pairs,
        paired_test,
        each_pair_its_own_models,
        two_draws,
        without_the_factor,
        of_the_mean,
        exchanged,
        centre_of_the_resamples,
        ratio_of_means,
        lambda first, second, resamples, draws: mean_log_ratio(first, second),
        lambda first, second, resamples, draws: (mean_log_ratio(first, second), 0.0),
    ],
    "13.3": [
        lambda geodesic, euclidean: mean_log_ratio(euclidean, geodesic).exp(),  # raw
        lambda geodesic, euclidean: fair(without_scale(geodesic), euclidean),
        lambda geodesic, euclidean: 1 / fair(geodesic, euclidean),
        lambda geodesic, euclidean: (cv(geodesic) / cv(without_scale(euclidean))).mean(),
        lambda geodesic, euclidean: cv(geodesic).mean() / cv(without_scale(euclidean)).mean(),
        lambda geodesic, euclidean: mean_log_ratio(
            euclidean / euclidean.mean(dim=0, keepdim=True), geodesic
        ).exp(),  # each pair's mean
    ],
    "13.4": [18.3, 12.9, 0.131, 0.26, 50],  # 18.3: 1/√M; 12.9: M for M − 1
}
