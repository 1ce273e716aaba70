"""The C++ and C of a document: what has a main() is a program, all else one program from the document's first block to its last."""

import os
import re
import subprocess
from blocks import DocumentError

# What the fragments of a document take for granted, where they are not shown from their beginning on.
GIVEN = {
    "README.md": {
        "cpp": '#include <sapwood/sapwood.h>\n#include <iostream>\nconst auto model = sapwood::Model::load(sapwood::find_model("minilm-fff-sst2"));',
        "c": "#include <sapwood/capi.h>\n#include <stdio.h>",
    }
}
MAIN = {
    "cpp": "int main() try {{\n{}\n}} catch (const std::exception& error) {{\n  std::puts(error.what());\n  return 1;\n}}\n",
    "c": "int main(void) {{\n{}\n  return 0;\n}}\n",
}
FIRST = {"cpp": "#include <cstdio>\n#include <exception>\n#include <iostream>\n", "c": "#include <stdio.h>\n"}
MARK = {"cpp": 'std::cout << "\\x1e" << std::flush, std::fflush(stdout);\n', "c": 'printf("\\x1e");\n'}


def run_programs(document, name, blocks, language, prefix, folder):
    """Compiles and runs the blocks of a language with the package installed in `prefix`. Gives each block's output, in order."""
    whole = [block for block in blocks if re.search(r"^int main\(", block.text, re.MULTILINE)]
    parts = [block for block in blocks if block not in whole]
    outputs = {}
    for i, block in enumerate(whole):
        source = f'#line {block.line} "{document.name}"\n{block.text}\n'
        outputs[block.line] = _build_and_run(source, language, f"{name}-{i}", prefix, folder)
    if parts:
        source = _joined(document, name, parts, language)
        printed = _build_and_run(source, language, name, prefix, folder).split("\x1e")[1:]
        if len(printed) != len(parts):
            raise DocumentError(f"{language}: {len(printed)} of {len(parts)} blocks were run: {printed[-1:]}")
        outputs |= {block.line: output for block, output in zip(parts, printed)}
    return [outputs[block.line] for block in blocks]


def _joined(document, name, parts, language):
    """One program, whose blocks see the names of those before; #include lines move to its top."""
    given = GIVEN.get(name, {}).get(language, "").splitlines()
    top, body = [line for line in given if line.startswith("#")], [line for line in given if not line.startswith("#")]
    for block in parts:
        lines = block.text.splitlines()
        top += [line for line in lines if line.startswith("#include")]
        kept = ["" if line.startswith("#include") else line for line in lines]
        body += [MARK[language], f'#line {block.line} "{document.name}"', *kept]
    return FIRST[language] + "\n".join(top) + "\n" + MAIN[language].format("\n".join(body))


def _flags(prefix, what):
    found = next(prefix.rglob("sapwood.pc"), None)
    if found is None:
        raise DocumentError(f"{prefix} holds no installed package")
    environment = os.environ | {"PKG_CONFIG_PATH": str(found.parent)}
    return subprocess.run(["pkg-config", what, "sapwood"], env=environment, check=True, capture_output=True, text=True).stdout.split()


def _build_and_run(source, language, name, prefix, folder):
    path, program = folder / f"{name}.{'cc' if language == 'cpp' else 'c'}", folder / f"program-{name}-{language}"
    path.write_text(source)
    cxx = os.environ.get("CXX", "c++")
    compiler = [cxx, "-std=c++20"] if language == "cpp" else [os.environ.get("CC", "cc"), "-std=c11"]
    warnings = ["-Wall", "-Wextra", "-Werror", "-Wno-unused-variable", "-Wno-unused-but-set-variable", "-Wno-missing-field-initializers"]
    _call([*compiler, *warnings, *_flags(prefix, "--cflags"), "-c", path, "-o", f"{program}.o"], folder)
    # A static library is linked by the C++ compiler.
    _call([cxx, f"{program}.o", "-o", program, *_flags(prefix, "--libs")], folder)
    libraries = {str(library.parent) for library in prefix.rglob("libsapwood.*")}
    return _call([program], folder, {"LD_LIBRARY_PATH": ":".join(libraries)})


def _call(command, folder, environment=None):
    done = subprocess.run([str(word) for word in command], cwd=folder, env=os.environ | (environment or {}), timeout=300,
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    if done.returncode != 0:
        raise DocumentError(f"{command[0]} ended with status {done.returncode}:\n{done.stdout}")
    return done.stdout
