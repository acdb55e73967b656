import re
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st

from udrl_explain.files.latex_tables import clearly_best
from udrl_explain.files.latex_text import comment_lines, latex_text
from udrl_explain.tables import Estimate, read_csv, write_csv, write_dat, write_latex

RETURNS = pd.DataFrame(
    {
        "estimator": ["rf_1", "et", "neural"],
        "mean": [188.0, 199.9, 150.0],
        "std": [13.0, 0.2, 5.0],
        "low": [170.0, 199.5, 140.0],
        "high": [195.0, 200.0, 160.0],
        "n_episodes": [300, 300, 200],
    }
)
RETURN = Estimate("mean", "return", spread="std", interval=("low", "high"), best="max")


def table_of(tmp_path, frame, **options):
    path = write_latex(frame, tmp_path / "t.tex", **{"caption": "Returns.", "label": "tab:returns", **options})
    return path.read_text(encoding="utf-8")


@given(st.lists(st.floats(allow_nan=False), min_size=1, max_size=20))
def test_numbers_come_back_to_the_last_bit(tmp_path_factory, numbers):
    path = tmp_path_factory.mktemp("csv") / "a.csv"
    write_csv(pd.DataFrame({"x": numbers}), path)
    back = read_csv(path)["x"].to_numpy(dtype=float)
    assert back.tobytes() == np.array(numbers).tobytes()


def test_words_booleans_and_gaps_come_back(tmp_path):
    frame = pd.DataFrame(
        {
            "action_name": ["NA", "None", "torque −1, left", 'a "b"\nc'],
            "exact": [True, False, True, True],
            "value": [1.0, np.nan, np.inf, -0.1],
            "n": [1, 2, 3, 4],
        }
    )
    path = write_csv(frame, tmp_path / "a.csv")
    pd.testing.assert_frame_equal(read_csv(path), frame)
    assert path.read_bytes().startswith(b"action_name,exact,value,n\nNA,True,1.0,1\nNone,False,,2\n")


def test_an_empty_table_keeps_its_header(tmp_path):
    path = write_csv(pd.DataFrame({"a": [], "b": []}), tmp_path / "a.csv")
    assert path.read_bytes() == b"a,b\n"


def test_equal_column_names_are_refused(tmp_path):
    frame = pd.DataFrame([[1, 2]], columns=["a", "a"])
    with pytest.raises(ValueError, match="must be different strings"):
        write_csv(frame, tmp_path / "a.csv")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("content", [b"", b"\xff\xfe\x00a", b'a,b\n1,2,3\n"'])
def test_what_is_no_table_is_named(tmp_path, content):
    (tmp_path / "a.csv").write_bytes(content)
    with pytest.raises(ValueError, match=r"a\.csv: not a CSV table"):
        read_csv(tmp_path / "a.csv")


def test_a_missing_table_is_named(tmp_path):
    with pytest.raises(FileNotFoundError, match=r"gone\.csv: file not found"):
        read_csv(tmp_path / "gone.csv")


def test_dat_is_one_token_per_cell(tmp_path):
    frame = pd.DataFrame(
        {
            "desired return": [1.5, np.nan],
            "ok": [True, False],
            "name": ["push left", "50% of {x}\n# not a comment"],
            "n": [3, -4],
        }
    )
    path = write_dat(frame, tmp_path / "a.dat", provenance={"runs": "sha256:ab\ncd", "udrl_explain": "0.1.0"})
    assert path.read_text(encoding="utf-8") == (
        "# runs: sha256:ab cd\n# udrl_explain: 0.1.0\n"
        "desired_return ok name n\n"
        "1.5 1 push_left 3\n"
        "nan 0 50_of_x_not_a_comment -4\n"
    )


def test_dat_refuses_names_that_become_equal(tmp_path):
    with pytest.raises(ValueError, match="stay different"):
        write_dat(pd.DataFrame({"a b": [1], "a_b": [2]}), tmp_path / "a.dat")


def test_bold_only_without_overlap(tmp_path):
    tex = table_of(tmp_path, RETURNS, columns=["estimator", RETURN])
    assert r"et & $\mathbf{199.90} \pm 0.20\ [199.50, 200.00]$" in tex
    assert tex.count("mathbf") == 1

    near = RETURNS.assign(high=[199.6, 200.0, 160.0])
    assert "mathbf" not in table_of(tmp_path, near, columns=["estimator", RETURN])


def test_bold_is_sought_within_each_environment(tmp_path):
    frame = pd.concat(
        [
            RETURNS.assign(env="a"),
            RETURNS.assign(env="b", mean=-RETURNS["mean"], low=-RETURNS["high"], high=-RETURNS["low"]),
        ]
    )
    tex = table_of(tmp_path, frame, columns=["env", "estimator", RETURN], within=["env"])
    assert re.findall(r"(\w) & (\w+) & \$\\mathbf", tex) == [("a", "et"), ("b", "neural")]


@given(st.lists(st.tuples(*[st.floats(-5, 5)] * 3), min_size=1, max_size=6), st.sampled_from(["max", "min"]))
def test_the_clearly_best_beats_every_end_of_every_other(rows, best):
    low, value, high = np.sort(np.array(rows), axis=1).T
    found = clearly_best(value, low, high, best)
    sign = 1 if best == "max" else -1
    ends = np.sort(sign * np.column_stack([low, high]), axis=1)
    alone = [
        i
        for i in range(len(rows))
        if len(rows) > 1 and all(ends[i, 0] > ends[j, 1] for j in range(len(rows)) if j != i)
    ]
    assert ([] if found is None else [found]) == alone


def test_one_seed_has_no_interval_and_no_bold():
    gap = np.array([1.0, np.nan])
    assert clearly_best(np.array([1.0, 9.0]), gap, gap, "max") is None


def test_best_needs_an_interval():
    with pytest.raises(ValueError, match="best needs the interval"):
        Estimate("mean", "return", spread="std", best="max")


@pytest.mark.parametrize(
    ("n_seeds", "sentence"), [(3, "Returns. 3 seeds."), (1, "Returns. 1 seed."), ([3, 1, 3], "Returns. 1 to 3 seeds.")]
)
def test_the_caption_counts_the_seeds(tmp_path, n_seeds, sentence):
    assert rf"\caption{{{sentence}}}" in table_of(tmp_path, RETURNS, n_seeds=n_seeds)


def test_missing_numbers_are_dashes_and_booleans_words(tmp_path):
    frame = RETURNS.assign(mean=[np.nan, 1.0, 2.0], std=[1.0, np.nan, 1.0], exact=[True, False, True])
    tex = table_of(tmp_path, frame, columns=[Estimate("mean", "m", spread="std"), "exact"])
    rows = re.search(r"\\midrule\n(.*)\\bottomrule", tex, re.S).group(1)
    assert rows == "-- & yes \\\\\n$1.00$ & no \\\\\n$2.00 \\pm 1.00$ & yes \\\\\n"


def test_an_unknown_column_is_named(tmp_path):
    with pytest.raises(ValueError, match="got 'median'"):
        table_of(tmp_path, RETURNS, columns=["median"])


def test_a_label_cannot_hold_a_command(tmp_path):
    with pytest.raises(ValueError, match="label must consist"):
        table_of(tmp_path, RETURNS, label=r"x}\input{/etc/passwd}")


def test_provenance_stands_in_front_as_a_comment(tmp_path):
    tex = table_of(tmp_path, RETURNS, provenance={"runs": "base/42 sha256:ab\n\\input{x}"})
    assert tex.startswith("% runs: base/42 sha256:ab \\input{x}\n\\begin{table}[t]\n")


@pytest.mark.parametrize(
    ("text", "tex"),
    [
        ("θ̇₁ (rad/s)", r"$\dot{\theta}_1$ (rad/s)"),
        ("ẋ", r"$\dot{x}$"),
        ("x\u0307", r"$\dot{x}$"),
        ("φ̇", r"$\dot{\varphi}$"),
        ("torque −1", "torque $-$1"),
        ("±θ", r"$\pm\theta$"),
        ("πθ", r"$\pi\theta$"),
        ("é “ł”", "é “ł”"),
        ("é 日", r"é \ifdefined\pdftexversion[U+65E5]\else 日\fi{}"),
        ("steps ◆ → 1", r"steps $\diamondsuit$ $\to$ 1"),
        (
            r"\input{a} $x_1$ 50%~#&^",
            r"\textbackslash{}input\{a\} \$x\_1\$ 50\%\textasciitilde{}\#\&\textasciicircum{}",
        ),
        ("a\nb\x00c", "a b c"),
    ],
)
def test_plain_text_as_latex(text, tex):
    assert latex_text(text) == tex


@given(st.text(max_size=30))
def test_no_text_can_issue_a_command(text):
    tex = latex_text(text)
    assert "\n" not in tex
    # Without what latex_text puts there itself, no sign with a meaning in TeX is left.
    ours = r"\\[\\{}$&#%_]|\\[A-Za-z]+(\{\})?|\$[^$]*\$"
    assert not re.search(r"[\\{}$&#%_^~]", re.sub(ours, "", tex).replace("~", "" if "\xa0" in text else "~"))


@given(st.dictionaries(st.text(max_size=5), st.text(max_size=20), max_size=3))
def test_provenance_never_leaves_its_comment(entries):
    assert all(len(line.splitlines()) <= 1 for line in comment_lines(entries))


@pytest.mark.slow
@pytest.mark.skipif(shutil.which("pdflatex") is None, reason="no pdflatex found: the .tex files are only read, not set")
def test_pdflatex_sets_the_table_and_pgfplots_the_dat(tmp_path):
    frame = RETURNS.assign(feature=["θ̇₁ ± 5 %", "ẋ_1 <é> 日 ◆ → “ł” \u0301x ſ", 'φ̇ & "#~^\\|'])
    write_latex(
        frame, tmp_path / "t.tex", caption="θ̇ & 50 % of α_1.", label="tab:a_b", columns=["feature", RETURN],
        n_seeds=3, provenance={"runs": "a_b %$"},
    )  # fmt: skip
    write_dat(RETURNS, tmp_path / "t.dat", provenance={"runs": "sha256:ab 50% & {x}"})
    (tmp_path / "main.tex").write_text(
        r"\documentclass{article}\usepackage{booktabs}\usepackage{pgfplots}\pgfplotsset{compat=1.16}"
        r"\begin{document}\input{t.tex}"
        r"\begin{tikzpicture}\begin{axis}\addplot table [x=n_episodes, y=mean] {t.dat};\end{axis}\end{tikzpicture}"
        r"\end{document}"
    )
    done = subprocess.run(
        ["pdflatex", "-interaction=nonstopmode", "-halt-on-error", "main.tex"],
        cwd=tmp_path, capture_output=True, timeout=120, check=False,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout.decode(errors="replace")[-2000:]


def test_portable_tables_agree_where_the_last_bits_do_not(tmp_path):
    """Sums differ in their last bits from one processor to the next; a clone must stay clean after a report."""
    rng = np.random.default_rng(0)
    numbers = rng.normal(size=(500, 3)) * 10.0 ** rng.integers(-6, 6, size=(500, 3))
    other = np.nextafter(numbers, np.inf)
    assert (numbers != other).all()
    frames = [
        pd.DataFrame({"a": part[:, 0], "b": part[:, 1], "none": zero, "count": 3, "word": "1.50", "gap": np.nan})
        for part, zero in ((numbers, 0.0), (other, 2.3e-17))
    ]
    texts = [write_csv(frame, tmp_path / "t.csv", digits=12).read_bytes() for frame in frames]
    assert texts[0] == texts[1]
    np.testing.assert_allclose(read_csv(tmp_path / "t.csv")["a"], numbers[:, 0], rtol=1e-11)
    assert (
        write_csv(frames[0], tmp_path / "all.csv").read_bytes() != write_csv(frames[1], tmp_path / "b.csv").read_bytes()
    )
