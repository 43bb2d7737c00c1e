"""``assay-mint resume``: real files of every kind, hostile ones among them, and what comes of them."""

from __future__ import annotations

import json
import zipfile

import pytest

from assay.envs.mint import main
from assay.envs.resume_screening import ResumeScreeningEnv
from assay.envs.resume_screening.mint.documents import UnreadableError, read_document
from assay.envs.resume_screening.mint.sections import sections_of
from assay.envs.resume_screening.tasks import counterparts

TEXT = "Ann Lee\nann@example.org\n\nExperience\nTwo years of {skill} at Acme. She led a team.\n\nEducation\nBSc\n"


def pdf(path, text, password=""):
    canvas = pytest.importorskip("reportlab.pdfgen.canvas")
    sheet = canvas.Canvas(str(path))
    for number, line in enumerate(text.splitlines()):
        sheet.drawString(72, 760 - 16 * number, line)
    sheet.save()
    if password:
        pypdf = pytest.importorskip("pypdf")
        writer = pypdf.PdfWriter(clone_from=str(path))
        writer.encrypt(password, algorithm="RC4-128")
        writer.write(str(path))


def docx(path, text):
    document = pytest.importorskip("docx").Document()
    for line in text.splitlines():
        document.add_paragraph(line)
    table = document.add_table(1, 2)
    table.rows[0].cells[0].text, table.rows[0].cells[1].text = "Skill", "kubernetes"
    document.save(str(path))


def write_inputs(folder, rows, jobs=({"id": "dev", "title": "Developer", "required_skills": ["python", "k8s"]},)):
    (folder / "resumes").mkdir(exist_ok=True)
    (folder / "jobs.jsonl").write_text("".join(json.dumps(job) + "\n" for job in jobs))
    lines = ["resume,job,label", *(",".join(row) for row in rows)]
    (folder / "labels.csv").write_text("\n".join(lines) + "\n")
    return folder / "resumes"


def mint(folder, *more):
    return main(["resume", "--jobs", str(folder / "jobs.jsonl"), "--resumes", str(folder / "resumes"), "--labels",
                 str(folder / "labels.csv"), "--out", str(folder / "out"), *more])  # fmt: skip


def bomb(path):
    """A DOCX whose document unpacks to 200 MB of spaces."""
    with (
        zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED, compresslevel=9) as archive,
        archive.open("word/document.xml", "w", force_zip64=True) as out,
    ):
        for _ in range(200):
            out.write(b" " * 2**20)


def test_resumes_of_every_kind_become_tasks(tmp_path, capsys):
    folder = write_inputs(
        tmp_path, [("a.txt", "dev", "yes"), ("b.pdf", "dev", "REJECTED"), ("c/d.docx", "dev", "accepted")]
    )
    (folder / "a.txt").write_text(TEXT.format(skill="Python3"), encoding="utf-8-sig")
    pdf(folder / "b.pdf", TEXT.format(skill="Java"))
    (folder / "c").mkdir()
    docx(folder / "c" / "d.docx", TEXT.format(skill="Python"))
    (folder / "spare.txt").write_text("nobody asked")
    assert mint(tmp_path) == 0
    said = capsys.readouterr()
    assert "3 tasks (2 SELECTED, 1 REJECTED) from 3 resumes and 1 jobs" in said.out
    assert "1 files of the folder are in no row" in said.out
    assert said.err == ""
    env = ResumeScreeningEnv(source="jsonl", path=str(tmp_path / "out"), split="test", test_share=1.0)
    facts = {tuple(task.truth["gold"]["matched"]): task for task in env.tasks}
    assert set(facts) == {("python",), (), ("python", "k8s")}
    assert facts["python", "k8s"].truth["label"] == "SELECTED"
    for task in env.tasks:
        assert task.record.resume.person.name == "Ann Lee"
        text = task.prompt[-1]["content"]
        assert "Ann" not in text
        assert "example.org" not in text
        assert "They led a team" in text
        assert all(other is task for other in counterparts(task).values())
        assert env.score([env.gold(task)], task.truth).reward == pytest.approx(1.0)
    asked = ResumeScreeningEnv(source="jsonl", path=str(tmp_path / "out"), split="test", test_share=1.0, max_turns=3)
    assert set(asked.tasks[0].sections) == {"head", "experience", "education"}


def test_hostile_files_cost_a_line_each_and_nothing_else(tmp_path, capsys):
    bad = ("locked.pdf", "scan.pdf", "cut.pdf", "bomb.docx", "fake.docx", "huge.txt", "latin.txt", "null.txt",
           "empty.txt", "old.doc")  # fmt: skip
    rows = [("good.txt", "dev", "1"), ("also.txt", "dev", "0"), *((name, "dev", "1") for name in bad)]
    folder = write_inputs(
        tmp_path, [*rows, ("gone.txt", "dev", "1"), ("good.txt", "ops", "1"), ("also.txt", "dev", "perhaps")]
    )
    (folder / "good.txt").write_text(TEXT.format(skill="python"))
    (folder / "also.txt").write_text(TEXT.format(skill="welding"))
    pdf(folder / "locked.pdf", "secret", "word")
    pdf(folder / "scan.pdf", "")
    (folder / "cut.pdf").write_bytes(b"%PDF-1.7\n1 0 obj\n<< /Type /Catalog")
    bomb(folder / "bomb.docx")
    (folder / "fake.docx").write_text("no archive")
    (folder / "huge.txt").write_text("a" * 10 * 2**20)
    (folder / "latin.txt").write_bytes("Résumé".encode("latin-1"))
    (folder / "null.txt").write_bytes(b"a\x00b")
    (folder / "empty.txt").write_text(" \n")
    (folder / "old.doc").write_bytes(b"\xd0\xcf\x11\xe0")
    assert mint(tmp_path) == 0
    said = capsys.readouterr()
    lines = said.err.splitlines()
    assert len(lines) == len(bad) + 3
    for name, why in {"locked.pdf": "password", "scan.pdf": "no text", "cut.pdf": "damaged", "bomb.docx": "200 MB",
                      "fake.docx": "no DOCX", "huge.txt": "10.0 MB", "latin.txt": "not UTF-8", "null.txt": "no text",
                      "empty.txt": "empty", "old.doc": "save it as DOCX"}.items():  # fmt: skip
        line = next(line for line in lines if line.startswith(f"left out: {name}: "))
        assert why in line
    assert any("no resume is called 'gone.txt'" in line for line in lines)
    assert any("no job is called 'ops'" in line for line in lines)
    assert any("'perhaps' is neither" in line for line in lines)
    summary = json.loads((tmp_path / "out" / "summary.json").read_text())
    assert (summary["tasks"], summary["selected"], len(summary["left out"])) == (2, 1, len(lines))


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        ("file,label\na.txt,1\n", "no column 'resume'; it has: file, label"),
        ("resume,label\na.txt,1\n", "every usable row of labels.csv is SELECTED"),
        ("resume,label\na.txt,\n", "no row of labels.csv gave a task"),
        ("resume,label\na.txt,1\na.txt,0\n", "no row of labels.csv gave a task"),
    ],
)
def test_labels_that_cannot_be_used(tmp_path, capsys, labels, message):
    folder = write_inputs(tmp_path, [])
    (folder / "a.txt").write_text(TEXT)
    (tmp_path / "labels.csv").write_text(labels)
    assert mint(tmp_path) in (1, 2)
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_bad_postings_are_told_and_the_others_kept(tmp_path, capsys):
    folder = write_inputs(tmp_path, [("a.txt", "dev", "1"), ("b.txt", "dev", "0")])
    for name in "ab":
        (folder / f"{name}.txt").write_text(TEXT.format(skill=name))
    lines = ["{", "[]", '{"title": "dev"}', '{"title": "dev"}', '{"title": "x", "min_degree": "y"}', '{"id": "z"}']
    (tmp_path / "jobs.jsonl").write_bytes("\n".join(lines).encode() + b'\n{"title": "caf\xe9"}\n')
    assert mint(tmp_path) == 0
    said = capsys.readouterr().err.splitlines()
    assert [line.split(":")[1].strip() for line in said] == [f"jobs.jsonl, line {n}" for n in (1, 2, 4, 5, 6, 7)]
    (tmp_path / "jobs.jsonl").write_text("{}")
    assert mint(tmp_path) == 2
    assert "holds no posting" in capsys.readouterr().err


def test_other_column_names(tmp_path):
    folder = write_inputs(tmp_path, [])
    for name in "ab":
        (folder / f"{name}.txt").write_text(TEXT.format(skill=name))
    (tmp_path / "labels.csv").write_text("file,hired,name\na.txt,yes,Bo Ek\nb.txt,no,\n")
    assert mint(tmp_path, "--resume-column", "file", "--label-column", "hired") == 0
    records = [json.loads(line) for line in (tmp_path / "out" / "tasks.jsonl").read_text().splitlines()]
    assert [each["resume"]["person"]["name"] for each in records] == ["Bo Ek", "Ann Lee"]


def test_a_folder_that_is_missing(tmp_path, capsys):
    write_inputs(tmp_path, [("a.txt", "dev", "1")]).rmdir()
    assert mint(tmp_path) == 2
    assert "no such folder" in capsys.readouterr().err


def test_a_document_that_vanishes_is_one_line(tmp_path):
    with pytest.raises(UnreadableError, match="No such file"):
        read_document(tmp_path / "a.txt")


def test_sections_need_two_headings():
    assert sections_of("Experience\nmuch") == {}
    text = "Ann\n\nWORK EXPERIENCE:\nmuch\n\n## Education\nBSc\n\nSkills\nsql\nExperience\nmore"
    assert sections_of(text) == {"head": "Ann", "experience": "much\n\nmore", "education": "BSc", "skills": "sql"}
