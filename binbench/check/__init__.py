"""The conformance test for quantizers: what scikit-learn's `check_estimator` is for estimators."""

from binbench.check.isolated import check_isolated
from binbench.check.rules import RULES, RuleResult, check, targets

__all__ = ["RULES", "RuleResult", "check", "check_isolated", "targets"]
