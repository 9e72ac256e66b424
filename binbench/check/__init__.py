"""The conformance test for quantizers: what scikit-learn's `check_estimator` is for estimators."""

from binbench.check.conformance import RuleResult, check, check_isolated, targets
from binbench.check.rules import RULES

__all__ = ["RULES", "RuleResult", "check", "check_isolated", "targets"]
