# The two commands of README, in a box: `docker build -t binbench . && docker run --rm binbench`, and
# `docker run --rm binbench make test`.
FROM python:3.11-slim
RUN apt-get update \
    && apt-get install -y --no-install-recommends git make \
    && rm -rf /var/lib/apt/lists/*
WORKDIR /binbench
COPY . .
# Everything that either command installs, so that neither needs the network later.
RUN make .venv/.test
CMD ["make", "demo"]
