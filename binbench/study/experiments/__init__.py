"""The experiments, one file each; :func:`binbench.study.experiment.experiments` finds whatever lies here."""
