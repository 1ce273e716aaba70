"""Code blocks of a document, and whether an output is the one that the document shows."""

import dataclasses
import re
import subprocess

RUN = ("console", "sh", "cpp", "c", "python")  # languages whose blocks are run
SHOWN = ("text", "json", "yaml", "ini", "mermaid")  # those that are only to be read
NO_RUN = re.compile(r"no-run: (\S.*)")


class DocumentError(Exception):
    """Something that is wrong with a document or with what its blocks do."""


@dataclasses.dataclass
class Block:
    language: str
    line: int  # of the first line inside, from 1
    text: str
    reason: str = ""  # why it is not run
    expected: str | None = None  # the output that a program's text block shows

    @property
    def runs(self):
        return self.language in RUN and not self.reason


@dataclasses.dataclass
class Command:
    """Of a console block: what stands after "$ ", and the lines below it."""

    line: int
    text: str
    expected: str | None


def read_blocks(document):
    """The fenced blocks of a document, in its order. Errors: DocumentError naming the line."""
    blocks, fence = [], None
    for number, line in enumerate(document.splitlines(), 1):
        found = re.match(r" {0,3}(`{3,}|~{3,})(.*)$", line)
        if fence is None:
            if found:
                fence = found.group(1)
                blocks.append(_open_block(found.group(2).strip(), number + 1))
                lines = []
        elif found and found.group(1).startswith(fence) and not found.group(2).strip():
            blocks[-1].text = "\n".join(lines)
            fence = None
            _attach_output(blocks, number - len(lines) - 2, document)
        else:
            lines.append(line)
    if fence is not None:
        raise DocumentError(f"line {blocks[-1].line - 1}: the block is never closed")
    return blocks


def _open_block(info, line):
    language, _, rest = info.partition(" ")
    if language not in RUN + SHOWN and not NO_RUN.fullmatch(rest):
        raise DocumentError(f'line {line - 1}: a block of "{language}" is neither run nor shown: {", ".join(RUN + SHOWN)}')
    reason = ""
    if rest:
        found = NO_RUN.fullmatch(rest)
        if not found:
            raise DocumentError(f'line {line - 1}: expected "no-run: REASON" after the language, found "{rest}"')
        reason = found.group(1)
    return Block(language, line, "", reason)


def _attach_output(blocks, opened, document):
    """A text block right below a program is the program's output. `opened`: lines before its fence."""
    if len(blocks) < 2 or blocks[-1].language != "text" or blocks[-2].language not in ("cpp", "c", "python", "sh"):
        return
    between = document.splitlines()[blocks[-2].line + len(blocks[-2].text.splitlines()) : opened]
    if not any(line.strip() for line in between):
        blocks[-2].expected = blocks[-1].text


def read_commands(block):
    """The commands of a console block. A line that ends in a backslash goes on; so does one whose quotes are not closed."""
    commands, lines = [], block.text.splitlines()
    i = 0
    while i < len(lines):
        if not lines[i].startswith("$ "):
            raise DocumentError(f'line {block.line + i}: a console block begins with "$ ", not "{lines[i]}"')
        begin, text = i, lines[i][2:]
        while lines[i].endswith("\\") or subprocess.run(["bash", "-nc", text], stderr=subprocess.DEVNULL).returncode != 0:
            i += 1
            if i == len(lines):
                raise DocumentError(f"line {block.line + begin}: the command does not end")
            text += "\n" + lines[i]
        i += 1
        output = []
        while i < len(lines) and not lines[i].startswith("$ "):
            output.append(lines[i])
            i += 1
        expected = "\n".join(output) if any(output) else None
        commands.append(Command(block.line + begin, text, expected))
    return commands


NUMBER = r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?"


def difference(expected, found):
    """None, or what is wrong with an output. "..." in what is expected stands for anything. Numbers with a point may differ by 5 %
    and 0.05, as those of int8 models do between instruction sets; whole numbers and words may not; white space counts as one space."""
    pattern, numbers = "", []
    for part in re.split(rf"(\.\.\.|{NUMBER}|\s+)", expected.strip()):
        if part == "...":
            pattern += ".*?"
        elif re.fullmatch(NUMBER, part):
            pattern += f"({NUMBER})"
            numbers.append(part)
        elif part.isspace():
            pattern += r"\s+"
        else:
            pattern += re.escape(part)
    match = re.fullmatch(pattern, found.strip(), re.DOTALL)
    if match is None:
        return f"the output is not as shown:\n--- shown\n{expected}\n--- found\n{found[:600]}"
    for shown, number in zip(numbers, match.groups()):
        limit = 0 if shown.lstrip("+-").isdigit() else 0.05 + 0.05 * abs(float(shown))
        if abs(float(shown) - float(number)) > limit:
            return f"the output has {number} where {shown} is shown:\n--- shown\n{expected}\n--- found\n{found[:600]}"
    return None
