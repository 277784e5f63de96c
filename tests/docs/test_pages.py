"""Every code block of every page is accounted for."""

from __future__ import annotations

import ast
import json
import re
import subprocess
import textwrap
from pathlib import Path

import pytest

from tests.docs import commands
from tests.docs.pages import ELSEWHERE, ROOT, Block, blocks, pages, readable
from tests.kit.node import NODE
from tests.messages.test_troubleshooting import messages, plain

#: blocks that cannot run, with a reason
MOST_SHOWN = 3


BLOCKS = [block for page in pages() for block in readable(page)]


def of(*languages: str) -> list[Block]:
    return [block for block in BLOCKS if block.language in languages]


def with_mark(mark: str) -> list[Block]:
    return [block for block in BLOCKS if mark in block.marks]


def where(block: object) -> str | None:
    return block.where if isinstance(block, Block) else None


@pytest.mark.parametrize("page", pages())
def test_the_page_can_be_read(page: str) -> None:
    blocks(page)


@pytest.mark.parametrize("block", BLOCKS, ids=where)
def test_somebody_looks_at_the_block(block: Block) -> None:
    marks = [mark for mark in ELSEWHERE if mark in block.marks]
    assert len(marks) <= 1, marks
    by_themselves = {"python", "sh", "text"}
    assert marks or block.language in by_themselves, f"no comment says what runs it: {block.text}"


@pytest.mark.parametrize("block", with_mark("file"), ids=where)
def test_the_block_is_in_its_file(block: Block) -> None:
    path = ROOT / block.marks["file"]
    there = path.read_text(encoding="utf-8").splitlines()
    part = block.text.splitlines()
    candidates = (there[at : at + len(part)] for at in range(len(there) - len(part) + 1))
    assert any(same(lines, part) for lines in candidates), f"not in {path.name}:\n{block.text}"


def same(lines: list[str], part: list[str]) -> bool:
    """Whether these are the same lines; a part of a file may be indented less."""
    texts = [textwrap.dedent("\n".join(line.rstrip() for line in each)) for each in (lines, part)]
    return texts[0] == texts[1]


@pytest.mark.parametrize("block", with_mark("test"), ids=where)
def test_the_test_of_the_block_exists(block: Block) -> None:
    name, _, function = block.marks["test"].partition("::")
    path = ROOT / name
    assert function.split("::")[-1].partition("[")[0] in functions(path), block.marks["test"]
    sources = [each.read_text(encoding="utf-8") for each in path.parent.glob("*.py")]
    folder = str(Path(block.page).parent)
    names = [block.page, Path(block.page).name, *([folder] if "/" in folder else [])]
    reads = any(
        f'{name}"' in source or f"{name}/" in source for source in sources for name in names
    )
    assert reads or has_lines(path.read_text(encoding="utf-8"), block), f"{name} has another text"


def functions(path: Path) -> set[str]:
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kinds = (ast.FunctionDef, ast.AsyncFunctionDef)
    return {node.name for node in ast.walk(tree) if isinstance(node, kinds)}


def has_lines(source: str, block: Block) -> bool:
    """Whether these lines stand there; of a command that runs a file, its path may stand there in parts."""
    lines = (line.partition("  #")[0].strip() for line in block.text.splitlines())
    return all(line in source or has_path(source, line) for line in lines if line)


def has_path(source: str, line: str) -> bool:
    found = re.fullmatch(r"(?:\.venv/bin/)?python (\S+\.py)", line)
    return found is not None and all(f'"{part}"' in source for part in found[1].split("/"))


def test_few_blocks_are_only_shown() -> None:
    shown = with_mark("shown")
    print(*(f"{block.where}: {block.marks['shown']}" for block in shown), sep="\n")
    assert all(block.marks["shown"] for block in shown), "a reason is missing"
    assert len(shown) <= MOST_SHOWN


@pytest.mark.parametrize("block", of("python"), ids=where)
def test_python_is_python(block: Block) -> None:
    compile(block.text, block.where, "exec", dont_inherit=True)


@pytest.mark.parametrize("block", of("json"), ids=where)
def test_json_is_json(block: Block) -> None:
    json.loads(block.text)


@pytest.mark.parametrize("block", of("js", "javascript"), ids=where)
def test_node_knows_the_syntax(block: Block, tmp_path: Path) -> None:
    script = tmp_path / "block.mjs"
    script.write_text(block.text, encoding="utf-8")
    ended = subprocess.run([NODE, "--check", script], capture_output=True, text=True)
    assert ended.returncode == 0, ended.stderr


@pytest.mark.parametrize("block", [b for b in of("sh") if not b.marks], ids=where)
def test_commands_have_what_they_name(block: Block) -> None:
    for line in commands.lines(block.text):
        commands.check(line)


QUOTED = [b for b in of("text") if not any(mark in b.marks for mark in ELSEWHERE)]


@pytest.mark.parametrize("block", QUOTED, ids=where)
def test_the_package_says_the_lines(block: Block) -> None:
    """A message may go on in the next line."""
    lines = [line for line in block.text.splitlines() if line.strip()]
    assert said(" ".join(lines)) or all(map(said, lines)), f"nobody says:\n{block.text}"


def said(line: str) -> bool:
    """A line may be put together from several texts, with `…` between them."""
    parts = [plain(part) for part in line.split("…") if part.strip()]
    return len(max(parts, key=len).split()) > 2 and all(
        any(part in text for text in messages()) for part in parts
    )
