#include "diagnosis/elf_file.hpp"

#include <gelf.h>
#include <libelf.h>

#include <algorithm>
#include <cstdint>
#include <limits>
#include <memory>
#include <utility>

namespace diagnosis {
namespace {

// Far above what real files have (the largest C++ libraries: some 100 needed, 1,000 versions).
constexpr std::size_t most_segments = 4096;
constexpr std::size_t most_dynamic_entries = 65'536;
constexpr std::size_t most_needed = 1000;
constexpr std::size_t most_versions = 20'000;
constexpr std::size_t longest_string = 4096;
/// Of all strings that are taken, in bytes.
constexpr std::size_t most_text = 4 << 20;
constexpr std::uint64_t largest_string_table = 64 << 20;
constexpr std::uint64_t largest_version_table = 4 << 20;

// Younger than some elf.h.
constexpr unsigned machine_loongarch = 258;

std::string architecture_name(unsigned machine, unsigned char elf_class, unsigned char encoding) {
  const bool wide = elf_class == ELFCLASS64;
  const bool little = encoding == ELFDATA2LSB;
  switch (machine) {
    case EM_X86_64:
      return wide ? "x86_64" : "x32";
    case EM_AARCH64:
      if (!little) return "aarch64_be";
      return wide ? "arm64" : "aarch64_ilp32";
    case EM_386:
      return "i386";
    case EM_ARM:
      return little ? "arm" : "armeb";
    case EM_PPC:
      return "ppc";
    case EM_PPC64:
      return little ? "ppc64le" : "ppc64";
    case EM_S390:
      return wide ? "s390x" : "s390";
    case EM_RISCV:
      return wide ? "riscv64" : "riscv32";
    case EM_MIPS:
      return little ? "mipsel" : "mips";
    case machine_loongarch:
      return "loongarch64";
    default:
      return std::to_string(machine);
  }
}

/// An unsigned integer of 2 or 4 bytes in a table of the file's byte order. The caller has looked
/// that it is inside.
class Table {
 public:
  Table(std::string_view bytes, bool big_endian) : bytes_(bytes), big_endian_(big_endian) {}

  bool holds(std::uint64_t at, std::size_t size) const {
    return at <= bytes_.size() && bytes_.size() - at >= size;
  }
  std::uint32_t half(std::uint64_t at) const { return number(at, 2); }
  std::uint32_t word(std::uint64_t at) const { return number(at, 4); }

 private:
  std::uint32_t number(std::uint64_t at, std::size_t size) const {
    std::uint32_t value = 0;
    for (std::size_t i = 0; i < size; ++i) {
      const std::size_t place = big_endian_ ? i : size - 1 - i;
      value = value << 8 | static_cast<unsigned char>(bytes_[at + place]);
    }
    return value;
  }

  std::string_view bytes_;
  bool big_endian_;
};

struct ElfEnd {
  void operator()(Elf* elf) const { elf_end(elf); }
};
using ElfHandle = std::unique_ptr<Elf, ElfEnd>;

/// Goes the loader's way, by program headers alone: section headers may be stripped, and nothing
/// that runs believes them. Every method that gives bool says whether the file is sound so far.
class Reader {
 public:
  explicit Reader(ElfHandle elf) : elf_(std::move(elf)) {}

  std::optional<ElfFile> read() {
    if (!elf_ || elf_kind(elf_.get()) != ELF_K_ELF || gelf_getehdr(elf_.get(), &header_) == nullptr)
      return std::nullopt;
    big_endian_ = header_.e_ident[EI_DATA] == ELFDATA2MSB;
    file_.architecture =
        architecture_name(header_.e_machine, header_.e_ident[EI_CLASS], header_.e_ident[EI_DATA]);
    if (!read_segments() || !read_dynamic() || !read_needed_versions() || !read_defined_versions())
      return std::nullopt;
    decide_kind();
    return std::move(file_);
  }

 private:
  struct Segment {
    std::uint64_t address;
    std::uint64_t offset;
    std::uint64_t size;
  };

  bool read_segments() {
    std::size_t count = 0;
    if (elf_getphdrnum(elf_.get(), &count) != 0 || count > most_segments) return false;
    // libelf gives as many as a truncated file has.
    if (header_.e_phnum != PN_XNUM && count != header_.e_phnum) return false;
    for (std::size_t i = 0; i < count; ++i) {
      GElf_Phdr segment;
      if (gelf_getphdr(elf_.get(), static_cast<int>(i), &segment) == nullptr) return false;
      if (segment.p_type == PT_LOAD) {
        loaded_.push_back({segment.p_vaddr, segment.p_offset, segment.p_filesz});
      } else if (segment.p_type == PT_DYNAMIC) {
        dynamic_ = Segment{segment.p_vaddr, segment.p_offset, segment.p_filesz};
      } else if (segment.p_type == PT_INTERP) {
        const auto path = chunk(segment.p_offset, std::min(segment.p_filesz, longest_string));
        if (!path) return false;
        file_.interpreter = path->substr(0, path->find('\0'));
      }
    }
    return true;
  }

  bool read_dynamic() {
    if (!dynamic_) return true;
    const std::size_t entry_size = gelf_fsize(elf_.get(), ELF_T_DYN, 1, EV_CURRENT);
    const std::uint64_t count = dynamic_->size / entry_size;
    if (count == 0 || count > most_dynamic_entries) return false;
    Elf_Data* entries = raw(dynamic_->offset, count * entry_size, ELF_T_DYN);
    if (entries == nullptr) return false;
    file_.has_dynamic_section = true;
    std::vector<std::uint64_t> needed;
    std::optional<std::uint64_t> soname, run_path, rpath;
    std::uint64_t strings = 0, string_bytes = 0;
    for (std::uint64_t i = 0; i < count; ++i) {
      GElf_Dyn entry;
      if (gelf_getdyn(entries, static_cast<int>(i), &entry) == nullptr) return false;
      if (entry.d_tag == DT_NULL) break;
      const std::uint64_t value = entry.d_un.d_val;
      switch (entry.d_tag) {
        case DT_NEEDED:
          needed.push_back(value);
          break;
        case DT_SONAME:
          soname = value;
          break;
        case DT_RUNPATH:
          run_path = value;
          break;
        case DT_RPATH:
          rpath = value;
          break;
        case DT_STRTAB:
          strings = value;
          break;
        case DT_STRSZ:
          string_bytes = value;
          break;
        case DT_FLAGS_1:
          is_pie_ = (value & DF_1_PIE) != 0;
          break;
        case DT_VERNEED:
          version_needs_ = value;
          break;
        case DT_VERNEEDNUM:
          version_need_count_ = value;
          break;
        case DT_VERDEF:
          version_definitions_ = value;
          break;
        case DT_VERDEFNUM:
          version_definition_count_ = value;
          break;
        default:
          break;
      }
    }
    if (needed.size() > most_needed) return false;
    if (string_bytes > 0) {
      const auto place = place_of(strings);
      if (!place || string_bytes > place->size) return false;
      const auto table = chunk(place->offset, std::min(string_bytes, largest_string_table));
      if (!table) return false;
      strings_ = *table;
    }
    for (const std::uint64_t name : needed)
      if (!take_string(name, file_.needed.emplace_back())) return false;
    if (soname && !take_string(*soname, file_.soname)) return false;
    file_.run_path_is_rpath = rpath && !run_path;
    if (!run_path) run_path = rpath;
    return !run_path || take_string(*run_path, file_.run_path);
  }

  bool read_needed_versions() {
    if (!version_needs_) return true;
    const auto table = version_table(*version_needs_);
    if (!table || version_need_count_ > most_needed) return false;
    std::uint64_t at = 0;
    for (std::uint64_t i = 0; i < version_need_count_; ++i) {
      if (!table->holds(at, sizeof(GElf_Verneed))) return false;
      std::string library;
      if (!take_string(table->word(at + 4), library)) return false;
      const std::uint32_t count = table->half(at + 2);
      std::uint64_t version = at + table->word(at + 8);
      for (std::uint32_t j = 0; j < count; ++j) {
        if (!table->holds(version, sizeof(GElf_Vernaux)) ||
            file_.needed_versions.size() >= most_versions)
          return false;
        ElfFile::NeededVersion& needed = file_.needed_versions.emplace_back();
        needed.weak = (table->half(version + 4) & VER_FLG_WEAK) != 0;
        if (!take_text(library.size()) || !take_string(table->word(version + 8), needed.version))
          return false;
        needed.library = library;
        const std::uint32_t next = table->word(version + 12);
        if (next == 0) break;
        version += next;
      }
      const std::uint32_t next = table->word(at + 12);
      if (next == 0) break;
      at += next;
    }
    sort_uniquely(file_.needed_versions);
    return true;
  }

  bool read_defined_versions() {
    if (!version_definitions_) return true;
    const auto table = version_table(*version_definitions_);
    if (!table || version_definition_count_ > most_versions) return false;
    std::uint64_t at = 0;
    for (std::uint64_t i = 0; i < version_definition_count_; ++i) {
      if (!table->holds(at, sizeof(GElf_Verdef))) return false;
      // The base definition is the name of the file itself.
      if ((table->half(at + 2) & VER_FLG_BASE) == 0 && table->half(at + 6) > 0) {
        // Names after the first are the versions that it inherits from.
        const std::uint64_t name = at + table->word(at + 12);
        if (!table->holds(name, sizeof(GElf_Verdaux)) ||
            !take_string(table->word(name), file_.defined_versions.emplace_back()))
          return false;
      }
      const std::uint32_t next = table->word(at + 16);
      if (next == 0) break;
      at += next;
    }
    sort_uniquely(file_.defined_versions);
    return true;
  }

  void decide_kind() {
    if (header_.e_type == ET_EXEC) {
      file_.kind = ElfFile::Kind::program;
    } else if (header_.e_type == ET_DYN) {
      // Old linkers do not mark what is position-independent. libc.so.6 has an interpreter, too,
      // but a name that others need it by.
      const bool looks_like_program = !file_.interpreter.empty() && file_.soname.empty();
      file_.kind =
          is_pie_ || looks_like_program ? ElfFile::Kind::program : ElfFile::Kind::shared_object;
    }
    if (file_.kind != ElfFile::Kind::program) file_.interpreter.clear();
  }

  /// Where the bytes of a virtual address lie in the file, and how many follow in its segment.
  std::optional<Segment> place_of(std::uint64_t address) const {
    for (const Segment& segment : loaded_) {
      if (address < segment.address || address - segment.address >= segment.size) continue;
      const std::uint64_t skipped = address - segment.address;
      if (segment.offset > std::numeric_limits<std::uint64_t>::max() - skipped) return std::nullopt;
      return Segment{address, segment.offset + skipped, segment.size - skipped};
    }
    return std::nullopt;
  }

  std::optional<Table> version_table(std::uint64_t address) {
    auto place = place_of(address);
    if (!place) return std::nullopt;
    const auto bytes = chunk(place->offset, std::min(place->size, largest_version_table));
    return bytes ? std::optional(Table(*bytes, big_endian_)) : std::nullopt;
  }

  /// libelf checks that the bytes are inside the file; they live as long as the handle.
  Elf_Data* raw(std::uint64_t offset, std::uint64_t size, Elf_Type type) {
    if (offset > static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max()))
      return nullptr;
    return elf_getdata_rawchunk(elf_.get(), static_cast<std::int64_t>(offset), size, type);
  }

  std::optional<std::string_view> chunk(std::uint64_t offset, std::uint64_t size) {
    if (size == 0) return std::string_view();
    const Elf_Data* data = raw(offset, size, ELF_T_BYTE);
    if (data == nullptr || data->d_buf == nullptr) return std::nullopt;
    return std::string_view(static_cast<const char*>(data->d_buf), data->d_size);
  }

  bool take_text(std::size_t size) {
    text_taken_ += size;
    return text_taken_ <= most_text;
  }

  bool take_string(std::uint64_t at, std::string& text) {
    if (at >= strings_.size()) return false;
    const std::string_view rest = strings_.substr(at, longest_string + 1);
    const std::size_t end = rest.find('\0');
    if (end == std::string_view::npos || !take_text(end)) return false;
    text = rest.substr(0, end);
    return true;
  }

  template <typename Value>
  static void sort_uniquely(std::vector<Value>& values) {
    std::sort(values.begin(), values.end());
    values.erase(std::unique(values.begin(), values.end()), values.end());
  }

  ElfHandle elf_;
  GElf_Ehdr header_{};
  bool big_endian_ = false;
  std::vector<Segment> loaded_;
  std::optional<Segment> dynamic_;
  std::string_view strings_;
  bool is_pie_ = false;
  std::optional<std::uint64_t> version_needs_;
  std::uint64_t version_need_count_ = 0;
  std::optional<std::uint64_t> version_definitions_;
  std::uint64_t version_definition_count_ = 0;
  std::size_t text_taken_ = 0;
  ElfFile file_;
};

}  // namespace

std::optional<ElfFile> read_elf(int fd) {
  elf_version(EV_CURRENT);
  return Reader(ElfHandle(elf_begin(fd, ELF_C_READ, nullptr))).read();
}

std::optional<ElfFile> read_elf(std::string_view bytes) {
  elf_version(EV_CURRENT);
  // libelf wants memory that it could write, and well aligned; it outlives the handle.
  std::string copy(bytes);
  return Reader(ElfHandle(elf_memory(copy.data(), copy.size()))).read();
}

std::string elf_architecture(std::string_view beginning) {
  if (beginning.size() < EI_NIDENT + 4 || !beginning.starts_with(ELFMAG)) return "";
  const auto elf_class = static_cast<unsigned char>(beginning[EI_CLASS]);
  const auto encoding = static_cast<unsigned char>(beginning[EI_DATA]);
  if (elf_class != ELFCLASS32 && elf_class != ELFCLASS64) return "";
  if (encoding != ELFDATA2LSB && encoding != ELFDATA2MSB) return "";
  // e_machine, after e_type.
  const Table header(beginning, encoding == ELFDATA2MSB);
  return architecture_name(header.half(EI_NIDENT + 2), elf_class, encoding);
}

}  // namespace diagnosis
