"""Command lines that make no sense, each with the end of the one line that is to come of it: a case is a line.

They run in a folder with `docs.npy` (60 × 4), `queries.npy`, `a,b.npy` (as docs.npy), the results of one run in
`results/`, and what `campaigns.py` holds. `{long}` stands for a name of 5,000 letters.
"""

CASES = {
    # Paths that no file can have.
    "prepare --dataset '~nobody-here/x'": "there is no user of that name, and so no home folder",
    "prepare --dataset '~nobody-here/x.npy'": "there is no user of that name, and so no home folder",
    "run --algorithm int8 --train docs.npy --queries '~nobody-here/q.npy'": "there is no user of that name",
    "table --results-dir '~nobody-here/x'": "there is no user of that name",
    "prepare --dataset docs --data-dir '~nobody-here/x'": "there is no user of that name",
    "prepare --dataset docs --encoder '~nobody-here/x'": "there is no user of that name",
    "run --config '~nobody-here/x.yml'": "there is no user of that name",
    "study plan '~nobody-here/x.yml'": "there is no user of that name",
    "check '~nobody-here/x.py'": "there is no user of that name",
    "run --algorithm pq --dataset synthetic-60x8 --plugin '~nobody-here/x.py'": "there is no user of that name",
    "prepare --dataset 'a\0b'": r"'a\x00b' holds a character that no path can have",
    "prepare --dataset 'a\0b.npy'": r"'a\x00b.npy' holds a character that no path can have",
    "run --algorithm int8 --train docs.npy --queries 'a\0b.npy'": "holds a character that no path can have",
    "prepare --dataset docs.npy --data-dir 'a\0b'": "holds a character that no path can have",
    "table --results-dir 'a\0b'": "holds a character that no path can have",
    "export --output 'a\0b'": "holds a character that no path can have",
    "run --algorithm pq --dataset synthetic-60x8 --plugin 'a\0b'": "holds a character that no path can have",
    "run --config 'a\0b.yml'": "holds a character that no path can have",
    "similarity --algorithm int8 --pairs 'a\0b'": "holds a character that no path can have",
    "check 'a\0b.py'": "holds a character that no path can have",
    # Names of thousands of letters, which are shown cut.
    "prepare --dataset {long}": "is too long for the name of a file",
    "prepare --dataset {long}.npy": "is too long for the name of a file",
    "prepare --dataset docs.npy --data-dir {long}": "is too long for the name of a file",
    "prepare --dataset pydocs --encoder {long}": "is too long for the name of a file",
    "run --algorithm {long} --dataset synthetic-60x8": "x…'; see `binbench list algorithms`",
    "run --algorithm binary{digits} --dataset synthetic-60x8": "1…'; see `binbench list algorithms`",
    "table --filter {long}": "is not COLUMN, one of",
    "{long}": "x…'; see `binbench --help`",
    # Numbers that nothing can count to.
    "run --algorithm pq --dataset synthetic-60x8 --seed 12345678901234567890123456": "in the range 0<=x<=2147483647",
    "prepare --dataset synthetic-60x8 --seed 12345678901234567890123456": "in the range 0<=x<=2147483647",
    "run --algorithm pq --dataset synthetic-60x8 --threads 99999999999999999999": "not in the range 1<=x<=2147483647",
    "run --algorithm pq --dataset synthetic-60x8 --runs 99999999999999999999": "not in the range 1<=x<=2147483647",
    "run --algorithm pq --dataset synthetic-60x8 --timeout nan": "--timeout: input should be a finite number, not nan",
    "run --algorithm pq --dataset synthetic-60x8 --memory-limit 1e400G": "is not a number of bytes such as 500M or 2G",
    "prepare --dataset synthetic-60x99999": "give at most 65,536 dimensions",
    "prepare --dataset synthetic-999999999999999x8": "not enough disk to write",
    "prepare --dataset synthetic-99999999999999999999x8": "unknown dataset",
    # Places that cannot be written.
    "export --output /": "cannot write /: Is a directory",
    "export --format parquet --output .": "Is a directory",
    "export --format trec --output docs.npy": "Not a directory",
    "plot --output docs.npy": "Not a directory",
    "site docs.npy": "cannot write docs.npy/index.html",
    "prepare --dataset synthetic-60x8 --data-dir docs.npy": "cannot write docs.npy",
    "run --algorithm pq --dataset synthetic-60x8 --count 5 --results-dir docs.npy": "cannot write docs.npy",
    # Campaign files.
    "run --config none.yml": "campaign file none.yml does not exist",
    "run --config .": "campaign file . does not exist",
    "run --config latin.yml": "latin.yml:2: not UTF-8 text",
    "run --config deep.yml": "deep.yml: nested too deeply for a campaign",
    "run --config bomb.yml": "bomb.yml: more than 100,000 values, its aliases written out: too many for a campaign",
    "run --config itself.yml": "itself.yml:2: datasets.0: input should be a valid string",
    "run --config nul.yml": r"nul.yml:1: 'a\x00b' holds a character that no path can have",
    "run --config nul-plugin.yml": "nul-plugin.yml:3: 'a\\x00b' holds a character that no path can have",
    "run --config float.yml": "float.yml:3: runs: input should be a valid integer, not 2.0",
    "run --config seed.yml": "seed.yml:3: seeds.0: input should be less than or equal to 2147483647",
    "study plan study-float.yml": "study-float.yml:4: runs: input should be a valid integer, not 2.0",
    "study plan bomb.yml": "bomb.yml: more than 100,000 values, its aliases written out: too many for a campaign",
}
