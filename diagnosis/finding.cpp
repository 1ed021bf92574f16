#include "diagnosis/finding.hpp"

#include <algorithm>
#include <array>
#include <stdexcept>

namespace diagnosis {
namespace {

constexpr std::array all_rules = {
    Rule{"backslash-name", Severity::warning, "backslash in a name",
         "On Linux a backslash is part of the name, so that no folder comes to be.",
         "Make the archive with a tool that writes slashes (not PowerShell 5 or .NET before "
         "4.6.1)."},
    Rule{
        "broken-archive", Severity::error, "archive that cannot be unpacked",
        "AWS refuses it: Could not unzip uploaded file. Please check your file, then try to upload "
        "again.",
        "Make the archive again."},
    Rule{"carriage-return", Severity::error, "script with Windows line ends",
         "The kernel takes the carriage return for a part of the interpreter's name and says \"no "
         "such file or directory\".",
         "Convert the file to Unix line ends (dos2unix)."},
    Rule{"case-clash", Severity::warning, "names that differ only in case",
         "Linux keeps both; on macOS and Windows one replaced the other, so that code may name the "
         "wrong one.",
         "Rename one of them."},
    Rule{"code-and-layers-too-big", Severity::error, "code and layers together too big",
         "AWS refuses it: Function code combined with layers exceeds the maximum allowed size of "
         "262144000 bytes.",
         "Leave out what the function does not need; the biggest folders are listed."},
    Rule{"dangling-link", Severity::warning, "symbolic link that leads nowhere",
         "Whatever opens it gets \"no such file or directory\".",
         "Bring the target in the same layer, or remove the link."},
    Rule{"dereferenced-links", Severity::warning,
         "a library stored several times instead of linked",
         "It works, but every name costs the whole size against the limit of 262144000 bytes.",
         "Keep symbolic links when zipping (zip -y)."},
    Rule{
        "duplicate-jar", Severity::warning, "two versions of a jar",
        "The class path takes the jars by name, so that the first in alphabetical order wins class "
        "by class.",
        "Keep one of them.", true},
    Rule{"es-import-needs-nodejs18", Severity::error,
         "import of a layer's package before Node.js 18",
         "Before nodejs18.x, import does not look into layers: ERR_MODULE_NOT_FOUND.",
         "Use nodejs18.x or later, or require()."},
    Rule{
        "hidden-namespace", Severity::warning, "regular package that hides namespace portions",
        "Python takes the folder with __init__.py and never looks at the portions elsewhere: their "
        "modules cannot be imported.",
        "Put all portions into one layer, or remove the __init__.py.", true},
    Rule{"image-with-layers", Severity::error, "container image with layers",
         "AWS refuses it: Please don't provide Handler or Runtime or Layer when the intended "
         "function PackageType is Image.",
         "Copy the layers' content into the image, or deploy a zip."},
    Rule{"invalid-configuration", Severity::error, "configuration that AWS refuses",
         "CreateFunction and UpdateFunctionConfiguration answer with an error.",
         "Mend the setting."},
    Rule{"layer-region", Severity::error, "layer of another region",
         "AWS refuses it: Layers are not in the same region as the function.",
         "Publish the layer in the function's region and name that version."},
    Rule{"layers-hidden-by-variable", Severity::warning, "variable that hides the layers",
         "The variable replaces the runtime's own value, in which the folders of /opt stand: what "
         "layers bring there is not found.",
         "Remove the variable, or add that folder of /opt to it."},
    Rule{"layers-too-big", Severity::error, "layers together too big",
         "AWS refuses it: Layers consume more than the available size of 262144000 bytes.",
         "Leave out what the function does not need; the biggest folders are listed."},
    Rule{"missing-bootstrap", Severity::error, "custom runtime without a bootstrap",
         "Nothing can be started: the function ends with Runtime.InvalidEntrypoint.",
         "Put the program \"bootstrap\" at the root of the code, or attach the layer that brings "
         "it."},
    Rule{"missing-library", Severity::warning, "shared library that is found nowhere",
         "The loader says \"cannot open shared object file\" and the import or the program fails.",
         "Bring the library in lib/ of a layer, built for the runtime's Amazon Linux."},
    Rule{"missing-script-interpreter", Severity::error, "script whose interpreter is not there",
         "Starting it fails with \"no such file or directory\", although the script is there.",
         "Name an interpreter that the runtime has, or bring it in a layer."},
    Rule{"missing-wrapper", Severity::error, "wrapper script that is nowhere",
         "The runtime cannot start it: Runtime exited with error: exit status 127.",
         "Attach the layer that brings the wrapper, or remove the variable."},
    Rule{"mixed-package", Severity::warning, "package of two versions at once",
         "Folders are merged file by file: files that only the older version has still show beside "
         "the newer one's.",
         "Leave the package out of one of the layers, or change their order.", true},
    Rule{
        "newer-symbol-version", Severity::error, "built against a newer C or C++ library",
        "The loader refuses it: version not found.",
        "Build it in the runtime's Amazon Linux, or take a build for older systems (a wheel with a "
        "lower manylinux number)."},
    Rule{"not-a-program", Severity::error, "file that cannot be started",
         "Starting it fails with \"exec format error\".",
         "Begin a script with a line such as #!/bin/sh, and keep other files out of extensions/."},
    Rule{"not-executable", Severity::error, "program without permission to run",
         "Starting it fails with \"permission denied\".",
         "Set the mode before zipping (chmod 755) and zip on Linux or macOS."},
    Rule{"nothing-on-search-path", Severity::error, "layer with nothing where the runtime looks",
         "Nothing of it can be imported: the runtime looks into certain folders of /opt only.",
         "Put the content where the runtime looks and make the layer again."},
    Rule{"old-six", Severity::warning, "copy of six too old for this Python",
         "From Python 3.12 on, six before 1.16 cannot provide six.moves: ModuleNotFoundError.",
         "Take a newer version of what brings it."},
    Rule{"other-architecture", Severity::error, "file for another processor",
         "It cannot be loaded: \"exec format error\", \"invalid ELF header\" or a module that is "
         "not "
         "found.",
         "Build it for the function's architecture, or change that."},
    Rule{"other-language-version", Severity::warning, "folder for another version of the language",
         "The runtime looks only into the folder of its own version.",
         "Make the layer for this version, or use the folder without a version."},
    Rule{"other-python-extension", Severity::error, "extension module for another Python",
         "Python looks only for its own suffix: ModuleNotFoundError for the part written in C.",
         "Install the package with the function's Python version and architecture."},
    Rule{"pruned-metadata", Severity::warning, "package without metadata that others ask for",
         "Entry points and versions of that package are not found at run time.",
         "Keep the *.dist-info folders in the layer."},
    Rule{"requires-python", Severity::warning, "package for other versions of Python",
         "Its authors exclude this version of Python; it may fail on import.",
         "Take a version of it for this Python."},
    Rule{"reserved-variable", Severity::error, "reserved environment variable",
         "AWS refuses it: the environment variables you have provided contains reserved keys that "
         "are currently not supported for modification.",
         "Remove the variable."},
    Rule{"same-content-twice", Severity::note, "the same big file in two packages",
         "Both copies count against the limit of 262144000 bytes.", "Keep it in one of them."},
    Rule{
        "same-layer-twice", Severity::error, "the same layer twice",
        "AWS refuses it: Two different versions of the same layer are not allowed to be referenced "
        "in the same function.",
        "Name it once."},
    Rule{"shadowed-by-code", Severity::warning, "package of a layer that the code replaces",
         "/var/task comes first: the code gets its own version, and what only the layer's has "
         "cannot be imported.",
         "Remove the package from the code or from the layer.", true},
    Rule{"shadows-standard-library", Severity::warning,
         "module named as one of the standard library",
         "Layers come before the standard library: every import of the name gets this file.",
         "Leave the backport out; this Python has the module."},
    Rule{
        "split-sdk", Severity::warning, "parts of the AWS SDK from different places",
        "boto3, botocore and s3transfer are made for each other; a mixture fails on import or on a "
        "call.",
        "Bring all of them in the layer, or none.", true},
    Rule{"stale-bytecode", Severity::warning, "bytecode of another layer's source",
         "Python takes bytecode for current when time and size of the source agree: the old code "
         "runs.",
         "Leave __pycache__ out of layers, or give files their real times.", true},
    Rule{"system-library-wins", Severity::warning, "library that loses against the system's",
         "/opt/lib is the last folder of LD_LIBRARY_PATH: the library of Amazon Linux is loaded "
         "instead.",
         "Set an RPATH of $ORIGIN/../lib in what needs it (a RUNPATH comes too late: patchelf "
         "--force-rpath), or build against the system's library."},
    Rule{"too-many-layers", Severity::error, "more than five layers",
         "AWS refuses it: Cannot reference more than 5 layers.", "Merge some of them."},
    Rule{"two-versions-of-metadata", Severity::warning, "metadata of two versions of one package",
         "importlib.metadata returns the one that the file system lists first.",
         "Empty the folder before installing into it, or leave the package out of one layer.",
         true},
    Rule{"type-conflict", Severity::warning, "file and folder of the same name",
         "What is on AWS in this case is not documented; here the later layer hides all below.",
         "Rename one of them.", true},
    Rule{"unmet-npm-dependency", Severity::warning, "npm package without what it depends on",
         "require() finds no package, or one of a version that the package was not made for.",
         "Install the layer's packages together, from one package.json.", true},
    Rule{"unmet-requirement", Severity::warning, "Python package without what it requires",
         "The import fails, or meets another version than the package was made for.",
         "Install the packages together, or change the order of the layers.", true},
    Rule{"unreadable-code", Severity::error, "code that the function cannot read",
         "The function is not the owner of its files: PermissionError, or a module that is not "
         "found.",
         "Run \"chmod -R a+rX\" on the folder and make the archive again."},
    Rule{"unreadable-layer", Severity::error, "layer that others cannot read",
         "AWS refuses it: Layer conversion failed.",
         "Run \"chmod -R a+rX\" on what goes into it and make it again."},
    Rule{"unzipped-too-big", Severity::error, "package too big",
         "AWS refuses it: Unzipped size must be smaller than 262144000 bytes.",
         "Leave out what the function does not need."},
    Rule{"useless-bytecode", Severity::note, "bytecode that Python cannot use",
         "It was made by another Python, or its source has another time or size: Python compiles "
         "the source at every cold start.",
         "Leave __pycache__ out, or compile with --invalidation-mode unchecked-hash."},
    Rule{"zipped-too-big", Severity::warning, "archive too big for a direct upload",
         "AWS refuses a request with it: Zipped size must be smaller than 52428800 bytes.",
         "Upload it to S3 and name it from there."},
};

static_assert(std::is_sorted(all_rules.begin(), all_rules.end(),
                             [](const Rule& a, const Rule& b) { return a.id < b.id; }),
              "rule() searches by halves");

}  // namespace

std::string_view to_string(Severity severity) {
  switch (severity) {
    case Severity::note:
      return "note";
    case Severity::warning:
      return "warning";
    case Severity::error:
      return "error";
  }
  return "unknown";
}

std::span<const Rule> rules() {
  return all_rules;
}

const Rule& rule(std::string_view id) {
  const auto found = std::lower_bound(
      all_rules.begin(), all_rules.end(), id,
      [](const Rule& known, std::string_view wanted) { return known.id < wanted; });
  if (found == all_rules.end() || found->id != id)
    throw std::logic_error("no rule " + std::string(id));
  return *found;
}

Finding finding_of(std::string_view id, std::string package, std::string path,
                   std::string message) {
  const Rule& known = rule(id);
  Finding finding;
  finding.id = known.id;
  finding.severity = known.severity;
  finding.package = std::move(package);
  finding.path = std::move(path);
  finding.message = std::move(message);
  finding.consequence = known.what_happens;
  finding.remedy = known.remedy;
  return finding;
}

}  // namespace diagnosis
