"""Makes oracle.json, the numbers that oracle_test.go wants: NumPy's, SciPy's,
mpmath's and those of plain enumeration. Run it again with:

    apt-get install python3-scipy python3-mpmath
    /usr/bin/python3 oracle.py > oracle.json
"""
import itertools
import json
import math
import sys

import mpmath
import numpy as np
import scipy
from mpmath import mp
from scipy import stats

mp.dps = 30

rng = np.random.default_rng(20240607)


def sample(n, ties):
    if ties:
        return [float(v) for v in rng.integers(0, 6, n)]
    return [float(v) for v in np.exp(rng.normal(0, 1, n))]


def quantiles():
    for n in (1, 2, 3, 7, 10, 31):
        x = sample(n, n % 2 == 0)
        for p in (0, 0.01, 0.25, 0.5, 0.9, 0.999, 1):
            yield {"x": x, "p": p, "want": float(np.quantile(x, p))}


def moments():
    for n in (2, 3, 10, 31):
        x = sample(n, False)
        yield {"x": x, "mean": math.fsum(x) / n, "variance": float(np.var(x, ddof=1)),
               "mad": float(stats.median_abs_deviation(x, scale="normal"))}


def differences(x, y):
    return np.sort(np.subtract.outer(np.array(y), np.array(x)).ravel())


def shifts():
    for n, m in ((1, 1), (1, 2), (2, 2), (3, 3), (4, 4), (5, 8), (10, 10), (17, 3), (30, 33), (60, 50)):
        for ties in (False, True):
            x, y = sample(n, ties), sample(m, ties)
            yield {"x": x, "y": y, "want": float(np.median(differences(x, y)))}


def freq_of_u(n, m):
    """Arrangements by U, by the textbook recursion on whole numbers."""
    table = {}
    for i in range(n + 1):
        for j in range(m + 1):
            if i == 0 or j == 0:
                table[i, j] = [1]
                continue
            f = [0] * (i * j + 1)
            for u, c in enumerate(table[i, j - 1]):
                f[u] += c
            for u, c in enumerate(table[i - 1, j]):
                f[u + j] += c
            table[i, j] = f
    return table[n, m]


def intervals():
    for n, m in ((4, 4), (5, 5), (5, 8), (3, 30), (10, 10), (20, 30), (33, 33)):
        x, y = sample(n, False), sample(m, False)
        d = differences(x, y)
        freq = freq_of_u(n, m)
        total = math.comb(n + m, n)
        for level in (0.8, 0.95, 0.99):
            k, below = 0, 0
            while (below + freq[k]) / total <= (1 - level) / 2 + 1e-15:
                below += freq[k]
                k += 1
            low, high = (d[k - 1], d[n * m - k]) if k else (-math.inf, math.inf)
            yield {"x": x, "y": y, "level": level, "low": repr(float(low)), "high": repr(float(high)),
                   "exact": 1 - 2 * below / total}


def tests_without_ties():
    for n, m in ((1, 1), (2, 3), (4, 4), (5, 5), (3, 12), (10, 10), (25, 20), (30, 30)):
        x, y = sample(n, False), sample(m, False)
        y = [v * 1.5 for v in y]
        r = stats.mannwhitneyu(y, x, alternative="two-sided", method="exact")
        yield {"x": x, "y": y, "u": float(r.statistic), "p": float(r.pvalue)}


def tests_with_ties():
    """Every way to deal the values, one by one."""
    for n, m in ((1, 1), (1, 4), (2, 2), (3, 3), (4, 3), (5, 5), (2, 9), (6, 6), (5, 8), (8, 5)):
        for high in (2, 4, 7):
            x = [float(v) for v in rng.integers(0, high, n)]
            y = [float(v) for v in rng.integers(0, high, m)]
            both = x + y
            rank2 = [int(2 * r) for r in stats.rankdata(both)]
            mean2 = n * (n + m + 1)  # twice the mean rank sum of x
            far = abs(sum(rank2[:n]) - mean2)
            ways = beyond = 0
            for chosen in itertools.combinations(range(n + m), n):
                ways += 1
                beyond += abs(sum(rank2[i] for i in chosen) - mean2) >= far
            u = sum((b > a) + 0.5 * (a == b) for a in x for b in y)
            yield {"x": x, "y": y, "u": u, "p": beyond / ways}


def tests_approximate():
    for n, m in ((40, 50), (100, 60), (200, 200)):
        for ties in (False, True):
            x, y = sample(n, ties), sample(m, ties)
            y = [v + 0.4 for v in y] if not ties else [min(v + 1, 5) for v in y]
            r = stats.mannwhitneyu(y, x, alternative="two-sided", method="asymptotic", use_continuity=True)
            yield {"x": x, "y": y, "u": float(r.statistic), "p": float(r.pvalue)}


def normals():
    for z in (-37, -20, -8, -3, -1, -1e-9, 0, 0.5, 2, 5, 8):
        yield {"z": z, "p": float(stats.norm.cdf(z))}


def normal_quantiles():
    for p in (1e-300, 1e-100, 1e-20, 1e-8, 0.001, 0.025, 0.3, 0.5, 0.75, 0.975, 1 - 1e-9):
        yield {"p": p, "z": float(stats.norm.ppf(p))}


DF = (0.9, 1, 2, 2.7, 5, 10, 30, 200, 1999, 2000, 1e4, 1e6)


def t_tail(t, df):
    """P(T > t) for t >= 0, to 11 digits and more: SciPy's t.ppf has but nine."""
    t, df = mp.mpf(t), mp.mpf(df)
    end = mp.atan2(mp.sqrt(df), t)
    reach = end / (1 + df * mp.cos(end))  # over which the integrand falls off
    at = [mp.mpf(0)] + [end - k * reach for k in (200, 120, 80, 60, 45, 33, 24, 17, 12, 8, 5, 3, 2, 1, 0.5) if k * reach < end] + [end]
    area = mp.quad(lambda a: mp.sin(a) ** (df - 1), at)
    return area * mp.exp(mp.loggamma((df + 1) / 2) - mp.loggamma(df / 2)) / mp.sqrt(mp.pi)


def students():
    for df in DF:
        for t in (-1e5, -100, -20, -5, -2, -1, -0.1, -1e-6, 0, 0.3, 3, 12):
            yield {"t": t, "df": df, "p": float(stats.t.cdf(t, df))}


def student_quantiles():
    for df in DF:
        for p in (1e-100, 1e-20, 1e-10, 1e-6, 0.001, 0.025, 0.2, 0.26, 0.4, 0.4999):
            start = max(float(-stats.t.ppf(p, df)), 1e-9)
            want = mp.findroot(lambda u: mp.log(t_tail(mp.exp(u), df) / mp.mpf(p)), mp.log(start))
            yield {"p": p, "df": df, "t": float(-mp.exp(want))}


def powers():
    for n1, n2 in ((2, 2), (1, 2), (5, 5), (10, 4), (30, 30), (300, 500)):
        for d in (0.01, 0.5, 1, 2, 5):
            for alpha in (0.05, 0.001):
                df, nc = n1 + n2 - 2, d / math.sqrt(1 / n1 + 1 / n2)
                c = stats.t.ppf(1 - alpha / 2, df)
                p = stats.nct.sf(c, df, nc) + stats.nct.cdf(-c, df, nc)
                yield {"effect": d, "n1": n1, "n2": n2, "alpha": alpha, "power": float(p)}


def sizes():
    for d in (0.1, 0.5, 1, 2, 6):
        for alpha, power in ((0.05, 0.8), (0.01, 0.9), (0.001, 0.95)):
            n = 2
            while True:
                df, nc = 2 * n - 2, d / math.sqrt(2 / n)
                c = stats.t.ppf(1 - alpha / 2, df)
                if stats.nct.sf(c, df, nc) + stats.nct.cdf(-c, df, nc) >= power:
                    break
                n += 1
            yield {"effect": d, "alpha": alpha, "power": power, "n": n}


def autocorrelations():
    for n in (3, 10, 50):
        x = sample(n, n == 10)
        d = np.array(x) - np.mean(x)
        for lag in (0, 1, 2):
            yield {"x": x, "lag": lag, "want": float(np.dot(d[lag:], d[:n - lag]) / np.dot(d, d))}


def qns():
    """By the definition, all pairs listed; without small-sample correction."""
    for n in (2, 3, 9, 10, 25, 60):
        x = sample(n, n == 25)
        d = sorted(abs(a - b) for a, b in itertools.combinations(x, 2))
        h = n // 2 + 1
        yield {"x": x, "want": float(d[h * (h - 1) // 2 - 1] / (math.sqrt(2) * stats.norm.ppf(5 / 8)))}


def bootstraps():
    """Wide of each other by chance alone: other random numbers."""
    for n in (12, 40):
        x = sample(n, False)
        r = stats.bootstrap((np.array(x),), np.mean, confidence_level=0.9, n_resamples=100000,
                            method="BCa", random_state=1).confidence_interval
        yield {"x": x, "level": 0.9, "low": float(r.low), "high": float(r.high)}


json.dump({
    "by": f"SciPy {scipy.__version__}, NumPy {np.__version__}, mpmath {mpmath.__version__}, Python {sys.version.split()[0]}",
    "quantile": list(quantiles()), "moments": list(moments()), "shift": list(shifts()),
    "interval": list(intervals()), "exact": list(tests_without_ties()), "tied": list(tests_with_ties()),
    "approximate": list(tests_approximate()), "normal": list(normals()), "normalQuantile": list(normal_quantiles()),
    "t": list(students()), "tQuantile": list(student_quantiles()), "power": list(powers()), "size": list(sizes()),
    "autocorrelation": list(autocorrelations()), "qn": list(qns()), "bootstrap": list(bootstraps()),
}, sys.stdout, separators=(",", ":"))
print()
