"""The numbers that bands, kill-switches, the scenario and the report's questions decide by, each written once."""

from __future__ import annotations

#: "All" and "most" of a single collection or a single encoder is not what the bands were made for.
MIN_DATASETS, MIN_ENCODERS = 2, 2
#: Fewer sets can be predicted from anything (E8).
MIN_SETS = 4

# E2: codes.
#: Codes of one length are no sweep.
MIN_LENGTHS = 2
#: A bit set in more than this share of rows, or in less than the rest, is skewed.
SKEWED = 0.6
#: Rows that share their code with another vector: more than this share is frequent.
FREQUENT = 0.05
#: P(a true neighbour is nearer in Hamming distance than a random document), the area under the ROC curve, from which
#: distances discriminate: "excellent" in Hosmer and Lemeshow's grading (Applied Logistic Regression, 2000).
DISCRIMINATIVE = 0.8

#: Verdicts about PQ rest on sets of so many documents where there are any: smaller ones flatter it.
LARGE = 10_000

# E3 and E6: recall@10 of the baseline.
PQ_STRONG, PQ_FAIR, PQ_BROKEN = 0.80, 0.70, 0.60

# E5, the first three questions, F1 and F2: recall@10 of binary codes, and its ratio to PQ's at equal bytes.
GREEN_RECALL, GREEN_RATIO = 0.65, 0.80
YELLOW_RECALL, YELLOW_RATIO = 0.55, 0.60
F1_RECALL, F2_RATIO = 0.55, 0.5
#: The long codes that E5 is about, and the quantizers that E3 and E6 are about.
LONG_BITS = (256, 512)
LONG_BINARY = tuple(f"binary{bits}" for bits in LONG_BITS)
LONGEST_BINARY, LARGE_PQ = LONG_BINARY[-1], "pq64"
LONG_PQ = ("pq32", LARGE_PQ)
#: Down to this share of PQ's recall@10, within the interval, binary is called competitive.
COMPETITIVE = 0.95

# E7: anisotropy.
VARIES, CONSTANT = 2.0, 1.1
#: The anisotropies of two halves of a sample may be so far apart, relative to their mean.
STABLE = 0.1
SIGNIFICANT = 0.05

# E8, F3 and X2: R² and ρ of predictions.
GREEN_R2, GREEN_RHO, YELLOW_R2 = 0.3, 0.5, 0.1
F3_R2, F3_RHO = 0.1, 0.3

# K1: the share of tier-1 jobs without which exploratory work does not start.
K1_SHARE = 0.8

# X3 and K2: points of recall@10 gained, or share of the gap to PQ closed; K2's older wording knew only the points.
X3_POINTS, X3_GAP = 3.0, 0.15
K2_POINTS, K2_GAP, K2_OLD_POINTS = 2.0, 0.10, 1.0

# K3: R² and ρ of what geometry adds.
K3_R2, K3_RHO = 0.05, 0.2

#: Two runs of one model agree to this in nDCG@10; published figures have three to five digits.
AGREEMENT = 0.002
