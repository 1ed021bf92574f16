#include "layers/layer_store.hpp"

#include "layers/limits.hpp"
#include "tests/support/ok.hpp"
#include "tests/support/scratch_folder.hpp"
#include "tests/support/zip_builder.hpp"

#include <doctest/doctest.h>

#include <fcntl.h>
#include <signal.h>
#include <sys/file.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <string>
#include <thread>
#include <vector>

namespace fs = std::filesystem;

using layers::LayerStore;
using layers::Origin;
using layers::PackageKind;
using test_support::content_of;
using test_support::message_of;
using test_support::mode_of;
using test_support::ok;
using test_support::ScratchFolder;
using test_support::ZipBuilder;

namespace {

LayerStore open_store(const std::string& root) {
  auto store = LayerStore::open(root);
  REQUIRE_MESSAGE(ok(store), message_of(store));
  return std::move(*store);
}

layers::PreparedTree prepared(LayerStore& store, const std::string& reference,
                              PackageKind kind = PackageKind::layer) {
  auto tree = store.prepare(reference, kind);
  REQUIRE_MESSAGE(ok(tree), message_of(tree));
  return std::move(*tree);
}

std::size_t entries_in(const fs::path& folder) {
  std::size_t count = 0;
  for ([[maybe_unused]] const auto& entry : fs::directory_iterator(folder)) ++count;
  return count;
}

bool nothing_left(const std::string& store) {
  return entries_in(store + "/tmp") == 0 && entries_in(store + "/trees") == 0 &&
         entries_in(store + "/manifests") == 0;
}

// Files older than the clock's tick are remembered by their stat.
void settle(const std::string& file) {
  ::usleep(30'000);
  struct stat status{};
  REQUIRE(::stat(file.c_str(), &status) == 0);
}

std::string many_files(int count, std::size_t size) {
  ZipBuilder zip;
  for (int i = 0; i < count; ++i)
    zip.deflated("python/p" + std::to_string(i % 10) + "/f" + std::to_string(i),
                 std::string(size, static_cast<char>('a' + i % 26)));
  return zip.build();
}

/// A stored member of bytes that do not compress.
std::string noisy_zip(const std::string& name, std::size_t size) {
  std::string noise;
  std::uint32_t state = static_cast<unsigned char>(name[0]);
  while (noise.size() < size) {
    state = state * 1664525 + 1013904223;
    noise += static_cast<char>(state >> 24);
  }
  return ZipBuilder().file(name, noise).file("d/small", "x").build();
}

template <typename Action>
pid_t forked(Action action) {
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) ::_exit(action() ? 0 : 1);
  return child;
}

}  // namespace

TEST_CASE("an archive is unpacked once and then found, under any name") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const std::string zip = ZipBuilder()
                              .directory("python", 0750 | 01)
                              .deflated("python/x.py", "print(1)")
                              .file("bin/tool", "#!", 0755)
                              .symlink("python/y.py", "x.py")
                              .build();
  const std::string first = scratch.write("a.zip", zip);
  const std::string second = scratch.write("b.anything", zip);
  const auto extracted = prepared(store, first);
  CHECK(extracted.origin == Origin::extracted);
  CHECK(extracted.digest == base::sha256(zip));
  CHECK(extracted.archive_bytes == zip.size());
  CHECK(extracted.summary.files == 3);
  CHECK(extracted.summary.unpacked_bytes == 8 + 2 + 4);
  CHECK(extracted.summary.directories == 2);
  CHECK(extracted.summary.implicit_directories == 1);
  CHECK(extracted.summary.odd_directories == 1);
  CHECK(extracted.extract_time.count() > 0);
  CHECK(content_of(extracted.tree / "python/x.py") == "print(1)");
  CHECK(mode_of(extracted.tree / "bin/tool") == 0755);
  CHECK(mode_of(extracted.tree / "python") == 0751);
  CHECK(mode_of(extracted.tree) == 0755);
  CHECK(fs::read_symlink(extracted.tree / "python/y.py") == "x.py");
  struct stat status{};
  REQUIRE(::stat((extracted.tree / "python/x.py").c_str(), &status) == 0);
  CHECK(status.st_mtim.tv_sec == 1592224210);

  const auto found = prepared(store, second, PackageKind::code);
  CHECK(found.origin == Origin::found_in_store);
  CHECK(found.tree == extracted.tree);
  CHECK(found.reference == second);
  CHECK(found.summary.unpacked_bytes == extracted.summary.unpacked_bytes);
  CHECK(entries_in(scratch / "store/trees") == 1);
  CHECK(entries_in(scratch / "store/tmp") == 0);
}

TEST_CASE("the umask does not reach the trees") {
  const ScratchFolder scratch;
  const std::string zip =
      scratch.write("a.zip", ZipBuilder().file("d/a", "x", 0666).directory("e", 0777).build());
  const mode_t before = ::umask(0077);
  auto store = open_store(scratch / "store");
  const auto tree = prepared(store, zip);
  ::umask(before);
  CHECK(mode_of(tree.tree) == 0755);
  CHECK(mode_of(tree.tree / "d") == 0755);
  CHECK(mode_of(tree.tree / "d/a") == 0666);
  CHECK(mode_of(tree.tree / "e") == 0777);
}

TEST_CASE("an archive seen before is not hashed again, a changed one is") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const std::string file = scratch.write("a.zip", ZipBuilder().file("a", "1").build());
  settle(file);
  CHECK(prepared(store, file).verify_time.count() > 0);
  CHECK(prepared(store, file).verify_time.count() == 0);
  scratch.write("a.zip", ZipBuilder().file("a", "2").build());
  const auto changed = prepared(store, file);
  CHECK(changed.origin == Origin::extracted);
  CHECK(content_of(changed.tree / "a") == "2");
}

TEST_CASE("a file written in the same tick as it was read is hashed again") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  for (char digit = '0'; digit <= '9'; ++digit) {
    const std::string file =
        scratch.write("a.zip", ZipBuilder().file("a", std::string(1, digit)).build());
    CHECK(content_of(prepared(store, file).tree / "a") == std::string(1, digit));
  }
}

TEST_CASE("a folder is used in place") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  scratch.write("layer/python/x.py", "12345");
  ::chmod((scratch / "layer").c_str(), 0700);
  const auto tree = prepared(store, scratch / "layer/");
  CHECK(tree.origin == Origin::folder_in_place);
  CHECK(!tree.digest);
  CHECK(tree.tree == fs::canonical(scratch / "layer"));
  CHECK(tree.summary.files == 1);
  CHECK(tree.summary.unpacked_bytes == 5);
  CHECK(tree.summary.root_mode == 0700);
  const auto listing = store.entries(tree);
  REQUIRE(ok(listing));
  CHECK(listing->size() == 2);

  scratch.write("layer/secret", "", 0600);
  const auto refused = store.prepare(scratch / "layer", PackageKind::layer);
  REQUIRE(!refused);
  CHECK(refused.error().message.find("Some files do not have read permissions") !=
        std::string::npos);
  CHECK(ok(store.prepare(scratch / "layer", PackageKind::code)));
  REQUIRE(::mkfifo((scratch / "layer/fifo").c_str(), 0644) == 0);
  CHECK(!store.prepare(scratch / "layer", PackageKind::code));
}

TEST_CASE("what cannot be prepared says so, and leaves nothing behind") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const auto refusal = [&](const std::string& content) {
    const std::string file = scratch.write("bad.zip", content);
    const auto tree = store.prepare(file, PackageKind::layer);
    REQUIRE(!tree);
    CHECK(tree.error().message.starts_with("layer \"" + file + "\": "));
    CHECK(nothing_left(scratch / "store"));
    return tree.error();
  };
  const auto says = [](const base::Error& error, std::string_view part) {
    return error.message.find(part) != std::string::npos;
  };
  CHECK(layers::aws_sentence(refusal("")) == layers::aws_text::not_an_archive);
  CHECK(layers::aws_sentence(refusal("hello")) == layers::aws_text::not_an_archive);
  CHECK(layers::aws_sentence(refusal(std::string(100'000, 'x'))) ==
        layers::aws_text::not_an_archive);
  const std::string good = many_files(300, 1000);
  CHECK(layers::aws_sentence(refusal(good.substr(0, good.size() / 2))) ==
        layers::aws_text::not_an_archive);
  CHECK(says(refusal(ZipBuilder().file("a", "x").file("../../x.py", "x").build()),
             "\"../../x.py\" leaves the archive"));
  CHECK(says(refusal(ZipBuilder().symlink("a", scratch.path()).file("a/pwned", "x").build()),
             "through the symbolic link"));
  CHECK(!fs::exists(scratch / "pwned"));
  ZipBuilder late;
  for (int i = 0; i < 500; ++i) late.file("f" + std::to_string(i), "x");
  late.last().crc = 1;
  CHECK(says(refusal(late.build()), "\"f499\" has a wrong CRC-32"));
  CHECK(layers::aws_sentence(refusal(ZipBuilder().file("python/a", "x", 0600).build())) ==
        layers::aws_text::unreadable_files);
  CHECK(layers::aws_sentence(refusal(ZipBuilder().directory("python", 0644).build())) ==
        layers::aws_text::unsearchable_directories);
  ZipBuilder bomb;
  bomb.deflated("bomb", std::string(10'000'000, '\0'));
  for (int i = 0; i < 30; ++i) {
    auto copy = bomb.last();
    copy.name = "bomb" + std::to_string(i);
    bomb.add(copy);
  }
  CHECK(layers::aws_sentence(refusal(bomb.build())) == layers::aws_text::unzipped_too_big);
  CHECK(store.prepare(scratch / "nowhere.zip", PackageKind::code).error().kind ==
        base::ErrorKind::not_found);
  CHECK(!store.prepare("", PackageKind::code));
  CHECK(!store.prepare("/dev/null", PackageKind::code));
}

TEST_CASE("a layer that AWS refuses for its modes is refused from the store too") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const std::string file = scratch.write("a.zip", ZipBuilder().file("a", "x", 0600).build());
  CHECK(mode_of(prepared(store, file, PackageKind::code).tree / "a") == 0600);
  const auto layer = store.prepare(file, PackageKind::layer);
  REQUIRE(!layer);
  CHECK(layers::aws_sentence(layer.error()) == layers::aws_text::unreadable_files);
}

TEST_CASE("folders that lock their owner out are filled, and removed again") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const std::string file = scratch.write("a.zip", ZipBuilder()
                                                      .directory("a", 0500)
                                                      .directory("a/b", 0000)
                                                      .file("a/b/c", "x", 0000)
                                                      .directory("a/b/d", 0111)
                                                      .build());
  const auto tree = prepared(store, file, PackageKind::code);
  CHECK(mode_of(tree.tree / "a") == 0500);
  const auto report = store.collect_garbage(std::chrono::seconds(-10));
  REQUIRE_MESSAGE(ok(report), message_of(report));
  CHECK(report->trees == 1);
  CHECK(nothing_left(scratch / "store"));
}

TEST_CASE("add keeps the archive, also one that came as bytes") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const std::string zip = ZipBuilder().file("a", "x").build();
  const auto digest = base::sha256(zip);
  CHECK(store.archive_path(digest).error().kind == base::ErrorKind::not_found);
  REQUIRE(ok(store.add(scratch.write("a.zip", zip), PackageKind::layer)));
  REQUIRE(ok(store.archive_path(digest)));
  CHECK(content_of(*store.archive_path(digest)) == zip);
  CHECK(!store.add(scratch.path().string(), PackageKind::layer));

  const std::string other = ZipBuilder().file("b", "y").build();
  const auto added = store.add_bytes(other, "upload", PackageKind::layer);
  REQUIRE_MESSAGE(ok(added), message_of(added));
  CHECK(content_of(*store.archive_path(base::sha256(other))) == other);
  const auto bad = store.add_bytes("junk", "upload", PackageKind::layer);
  REQUIRE(!bad);
  CHECK(bad.error().message.starts_with("layer \"upload\": "));
  CHECK(!store.archive_path(base::sha256("junk")));

  // The tree can go as long as the archive is kept.
  fs::remove_all(added->tree);
  const auto again = store.prepare(base::sha256(other), "arn:x", PackageKind::layer);
  REQUIRE_MESSAGE(ok(again), message_of(again));
  CHECK(again->origin == Origin::extracted);
  CHECK(again->reference == "arn:x");
  CHECK(store.prepare(base::sha256("none"), "arn:y", PackageKind::layer).error().kind ==
        base::ErrorKind::not_found);

  const auto rows = store.list();
  REQUIRE(ok(rows));
  REQUIRE(rows->size() == 2);
  CHECK((*rows)[0].has_archive);
  CHECK((*rows)[0].digest < (*rows)[1].digest);
}

TEST_CASE("an archive that the store cannot know is hashed while it is unpacked") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const std::string zip = noisy_zip("a", 3'000'000);
  const std::string file = scratch.write("a.zip", zip);
  settle(file);
  const auto added = store.add(file, PackageKind::layer);
  REQUIRE_MESSAGE(ok(added), message_of(added));
  CHECK(added->origin == Origin::extracted);
  CHECK(added->digest == base::sha256(zip));
  CHECK(added->verify_time.count() == 0);
  CHECK(content_of(*store.archive_path(*added->digest)) == zip);
  CHECK(entries_in(scratch / "store/tmp") == 0);
  CHECK(entries_in(scratch / "store/locks") == 1);
  // It is remembered as if it had been hashed before, and another of its size is hashed first.
  CHECK(prepared(store, file).origin == Origin::found_in_store);
  const auto copy = prepared(store, scratch.write("b.zip", zip));
  CHECK(copy.origin == Origin::found_in_store);
  CHECK(copy.verify_time.count() > 0);
}

TEST_CASE("an archive that changes while it is unpacked is refused and leaves nothing") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const std::string file = scratch.write("a.zip", noisy_zip("a", 3'000'000));
  struct Meddler : layers::ExtractionProgress {
    explicit Meddler(std::string path) : archive(std::move(path)) {}
    void started(std::string_view, std::uint64_t) override {
      // After the directory was read, before the members are.
      REQUIRE(::truncate(archive.c_str(), 1'000'000) == 0);
    }
    void advanced(std::uint64_t) override {}
    void finished() override {}
    std::string archive;
  } meddler(file);
  const auto refused = store.add(file, PackageKind::layer, &meddler);
  REQUIRE(!refused);
  CHECK(refused.error().kind == base::ErrorKind::corrupt_data);
  CHECK(nothing_left(scratch / "store"));
  CHECK(entries_in(scratch / "store/blobs/sha256") == 0);
}

TEST_CASE("a kept archive that is no longer what it was kept as is refused") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const auto added = store.add_bytes(noisy_zip("a", 100'000), "upload", PackageKind::layer);
  REQUIRE_MESSAGE(ok(added), message_of(added));
  fs::remove_all(added->tree);
  const fs::path blob = *store.archive_path(*added->digest);
  fs::remove(blob);
  scratch.write("other.zip", noisy_zip("b", 100'000));
  fs::copy_file(scratch / "other.zip", blob);
  const auto refused = store.prepare(*added->digest, "arn:x", PackageKind::layer);
  REQUIRE(!refused);
  CHECK(refused.error().message ==
        "layer \"arn:x\": its SHA-256 is not the one that it was kept under. Add it again.");
  CHECK(entries_in(scratch / "store/trees") == 0);
  CHECK(entries_in(scratch / "store/tmp") == 0);
}

TEST_CASE("processes that add one large archive at a time make one tree of it") {
  const ScratchFolder scratch;
  const std::string zip = noisy_zip("a", 3'000'000);
  const std::string same = scratch.write("a.zip", zip);
  std::vector<pid_t> children;
  for (int i = 0; i < 6; ++i) {
    // Half of them have it under a name of their own.
    const std::string file = i % 2 == 0 ? same : scratch.write(std::to_string(i) + ".zip", zip);
    children.push_back(forked([&] {
      auto store = LayerStore::open(scratch / "store");
      return store && bool(store->add(file, PackageKind::layer));
    }));
  }
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  CHECK(entries_in(scratch / "store/trees") == 1);
  CHECK(entries_in(scratch / "store/blobs/sha256") == 1);
  CHECK(entries_in(scratch / "store/tmp") == 0);
}

TEST_CASE("a tree that was removed by hand is made again") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const std::string file = scratch.write("a.zip", ZipBuilder().file("a", "x").build());
  settle(file);
  const auto tree = prepared(store, file);
  fs::remove_all(tree.tree);
  CHECK(prepared(store, file).origin == Origin::extracted);
  fs::remove_all(scratch / "store/manifests");
  fs::create_directory(scratch / "store/manifests");
  CHECK(prepared(store, file).origin == Origin::extracted);
  CHECK(content_of(tree.tree / "a") == "x");
}

TEST_CASE("the listing beside a tree tells what is in it") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const auto tree = prepared(
      store, scratch.write("a.zip", ZipBuilder().file("d/a b", "x").symlink("l", "d").build()));
  const auto listing = store.entries(tree);
  REQUIRE_MESSAGE(ok(listing), message_of(listing));
  REQUIRE(listing->size() == 3);
  CHECK((*listing)[0].implicit);
  CHECK((*listing)[1].path == "d/a b");
  CHECK((*listing)[1].crc32 == 0x8cdc1683);
  CHECK((*listing)[2].link_target == "d");
}

TEST_CASE("garbage collection keeps what is in use and removes the rest") {
  const ScratchFolder scratch;
  const std::string old_zip = ZipBuilder().file("old", "x").build();
  auto store = open_store(scratch / "store");
  const std::string old_file = scratch.write("old.zip", old_zip);
  const std::string new_file = scratch.write("new.zip", ZipBuilder().file("new", "y").build());
  settle(new_file);
  REQUIRE(ok(store.add(old_file, PackageKind::layer)));
  const auto fresh = prepared(store, new_file);
  const struct timespec long_ago[2] = {{.tv_sec = 1'000'000'000, .tv_nsec = 0},
                                       {.tv_sec = 1'000'000'000, .tv_nsec = 0}};
  const std::string hex = base::sha256(old_zip).hex();
  for (const std::string& name : {"manifests/" + hex + ".json", "blobs/sha256/" + hex})
    REQUIRE(::utimensat(AT_FDCWD, (scratch / ("store/" + name)).c_str(), long_ago, 0) == 0);

  SUBCASE("another user of the store is in the way") {
    const auto other = open_store(scratch / "store");
    const auto report = store.collect_garbage(std::chrono::hours(1));
    REQUIRE(!report);
    CHECK(report.error().message.find("other lamina processes use it") != std::string::npos);
  }
  SUBCASE("the old one goes") {
    const auto report = store.collect_garbage(std::chrono::hours(1));
    REQUIRE_MESSAGE(ok(report), message_of(report));
    CHECK(report->trees == 1);
    CHECK(report->archives == 1);
    CHECK(report->forgotten_paths == 1);
    CHECK(report->bytes == 1 + old_zip.size());
    CHECK(fs::exists(fresh.tree));
    CHECK(entries_in(scratch / "store/manifests") == 2);
    // Found without hashing: the remembered path of the kept tree is still there.
    CHECK(prepared(store, new_file).verify_time.count() == 0);
  }
  SUBCASE("a wanted archive stays") {
    const auto report = store.collect_garbage(
        std::chrono::hours(1), [&](const base::Digest& digest) { return digest.hex() == hex; });
    REQUIRE(ok(report));
    CHECK(report->archives == 0);
    CHECK(ok(store.archive_path(base::sha256(old_zip))));
  }
}

TEST_CASE("the time of last use is renewed once it is a day old") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const std::string file = scratch.write("a.zip", ZipBuilder().file("a", "x").build());
  prepared(store, file);
  const std::string manifest =
      scratch / ("store/manifests/" + store.list()->front().digest.hex() + ".json");
  const struct timespec long_ago[2] = {{.tv_sec = 1, .tv_nsec = 0}, {.tv_sec = 1, .tv_nsec = 0}};
  REQUIRE(::utimensat(AT_FDCWD, manifest.c_str(), long_ago, 0) == 0);
  prepared(store, file);
  struct stat status{};
  REQUIRE(::stat(manifest.c_str(), &status) == 0);
  CHECK(status.st_mtim.tv_sec > 1'000'000'000);
}

TEST_CASE("twenty processes that want the same layer make one tree") {
  const ScratchFolder scratch;
  const std::string file = scratch.write("a.zip", many_files(400, 3000));
  std::vector<pid_t> children;
  for (int i = 0; i < 20; ++i)
    children.push_back(forked([&] {
      auto store = LayerStore::open(scratch / "store");
      if (!store) return false;
      const auto tree = store->prepare(file, PackageKind::layer);
      return tree && tree->summary.files == 400 &&
             content_of(tree->tree / "python/p9/f399").size() == 3000;
    }));
  for (const pid_t child : children) {
    int status = 0;
    REQUIRE(::waitpid(child, &status, 0) == child);
    CHECK(status == 0);
  }
  CHECK(entries_in(scratch / "store/trees") == 1);
  CHECK(entries_in(scratch / "store/tmp") == 0);
}

TEST_CASE("threads share one store") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const std::string a = scratch.write("a.zip", many_files(200, 2000));
  const std::string b = scratch.write("b.zip", many_files(201, 2000));
  std::atomic<int> extracted = 0;
  std::atomic<int> failed = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 8; ++i)
    threads.emplace_back([&, i] {
      const auto tree = store.prepare(i % 2 == 0 ? a : b, PackageKind::layer);
      if (!tree) ++failed;
      if (tree && tree->origin == Origin::extracted) ++extracted;
    });
  for (std::thread& thread : threads) thread.join();
  CHECK(failed == 0);
  CHECK(extracted == 2);
}

TEST_CASE("an extractor killed at any moment leaves nothing that the next open does not remove") {
  const ScratchFolder scratch;
  const std::string file = scratch.write("a.zip", many_files(600, 200));
  int whole = 0;
  for (int round = 0; round < 30; ++round) {
    const std::string root = scratch / "store";
    const pid_t child = forked([&] {
      auto store = LayerStore::open(root);
      return store && store->prepare(file, PackageKind::layer);
    });
    ::usleep(static_cast<useconds_t>(500 + round * round * 60));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);
    auto store = open_store(root);
    CHECK(entries_in(root + "/tmp") == 0);
    if (entries_in(root + "/trees") == 1) ++whole;
    const auto tree = prepared(store, file);
    CHECK(tree.summary.files == 600);
    std::size_t files = 0;
    for (const auto& entry : fs::recursive_directory_iterator(tree.tree))
      if (entry.is_regular_file() && entry.file_size() == 200) ++files;
    CHECK(files == 600);
    REQUIRE(ok(store.collect_garbage(std::chrono::seconds(-10))));
    CHECK(nothing_left(root));
  }
  MESSAGE(whole << " of 30 extractions were done before the kill");
}

TEST_CASE("work of a living extractor is not garbage") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  fs::create_directories(scratch / "store/tmp/alive/tree");
  fs::create_directories(scratch / "store/tmp/dead/tree");
  const base::UniqueFd alive(
      ::open((scratch / "store/tmp/alive").c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  REQUIRE(::flock(alive.get(), LOCK_EX) == 0);
  const auto next = open_store(scratch / "store");
  CHECK(fs::exists(scratch / "store/tmp/alive/tree"));
  CHECK(!fs::exists(scratch / "store/tmp/dead"));
}

TEST_CASE("a full disk is a clear error and leaves nothing") {
  // A limit on the size of a file stands in for the disk: EFBIG takes the same way as ENOSPC.
  const ScratchFolder scratch;
  const std::string file =
      scratch.write("a.zip", ZipBuilder().deflated("big", std::string(3'000'000, 'x')).build());
  {
    const auto store = open_store(scratch / "store");
  }
  const pid_t child = forked([&] {
    ::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit{1'000'000, 1'000'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    auto store = LayerStore::open(scratch / "store");
    const auto tree = store->prepare(file, PackageKind::layer);
    return !tree && tree.error().message.find("cannot write \"big\"") != std::string::npos;
  });
  int status = 0;
  ::waitpid(child, &status, 0);
  CHECK(status == 0);
  CHECK(nothing_left(scratch / "store"));
}

TEST_CASE("the store leaks no descriptor into children") {
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  prepared(store, scratch.write("a.zip", many_files(50, 10)));
  for (const auto& entry : fs::directory_iterator("/proc/self/fd")) {
    const int fd = std::stoi(entry.path().filename().string());
    if (fd <= 2) continue;
    std::error_code ignored;
    const std::string target = fs::read_symlink(entry.path(), ignored).string();
    if (!target.starts_with(scratch.path().string())) continue;
    CAPTURE(target);
    CHECK((::fcntl(fd, F_GETFD) & FD_CLOEXEC) != 0);
  }
}

TEST_CASE("progress adds up to the size that was announced") {
  struct Counter : layers::ExtractionProgress {
    void started(std::string_view, std::uint64_t total) override { announced = total; }
    void advanced(std::uint64_t bytes) override { seen += bytes; }
    void finished() override { ++ends; }
    std::uint64_t announced = 0;
    std::atomic<std::uint64_t> seen = 0;
    int ends = 0;
  };
  const ScratchFolder scratch;
  auto store = open_store(scratch / "store");
  const std::string file = scratch.write("a.zip", many_files(300, 5000));
  Counter counter;
  REQUIRE(ok(store.prepare(file, PackageKind::layer, &counter)));
  CHECK(counter.announced == 1'500'000);
  CHECK(counter.seen == counter.announced);
  CHECK(counter.ends == 1);
  Counter again;
  REQUIRE(ok(store.prepare(file, PackageKind::layer, &again)));
  CHECK(again.ends == 0);
}

TEST_CASE("a store in an unusable place says what to do") {
  const auto store = LayerStore::open("/proc/nowhere");
  REQUIRE(!store);
  CHECK(store.error().message.starts_with("layer store \"/proc/nowhere\": "));
  CHECK(store.error().message.find("LAMINA_HOME") != std::string::npos);
}

TEST_CASE("facts are kept beside a tree, for whoever opens the store next") {
  const ScratchFolder scratch;
  const std::string zip = scratch.write("a.zip", ZipBuilder().file("x", "content").build());
  auto store = open_store(scratch / "store");
  const auto tree = prepared(store, zip);
  CHECK(store.facts(tree).empty());
  const std::string bytes("any bytes\0\xff\n", 12);
  store.keep_facts(tree, bytes);
  CHECK(store.facts(tree) == bytes);
  auto again = open_store(scratch / "store");
  CHECK(again.facts(prepared(again, zip)) == bytes);
  store.keep_facts(tree, "");
  CHECK(store.facts(tree).empty());
  CHECK(entries_in(scratch / "store/tmp") == 0);
}

TEST_CASE("a folder used in place keeps no facts") {
  const ScratchFolder scratch;
  scratch.write("layer/x", "content");
  auto store = open_store(scratch / "store");
  const auto tree = prepared(store, scratch / "layer");
  store.keep_facts(tree, "bytes");
  CHECK(store.facts(tree).empty());
  CHECK(nothing_left(scratch / "store"));
}

TEST_CASE("facts go with their tree, and with the tree that is made again") {
  const ScratchFolder scratch;
  const std::string zip = scratch.write("a.zip", ZipBuilder().file("x", "content").build());
  {
    auto store = open_store(scratch / "store");
    const auto tree = prepared(store, zip);
    store.keep_facts(tree, "bytes");
    scratch.write("store/manifests/" + tree.digest->hex() + ".json", "damaged");
    const auto again = prepared(store, zip);
    CHECK(again.origin == Origin::extracted);
    CHECK(store.facts(again).empty());
    store.keep_facts(again, "bytes");
  }
  auto store = open_store(scratch / "store");
  REQUIRE(ok(store.collect_garbage(std::chrono::seconds(-10))));
  CHECK(nothing_left(scratch / "store"));
}

TEST_CASE("facts that are a link, a folder or not writable are none") {
  const ScratchFolder scratch;
  const std::string zip = scratch.write("a.zip", ZipBuilder().file("x", "content").build());
  auto store = open_store(scratch / "store");
  const auto tree = prepared(store, zip);
  const std::string facts = scratch / ("store/manifests/" + tree.digest->hex() + ".facts");
  fs::create_symlink("/etc/passwd", facts);
  CHECK(store.facts(tree).empty());
  store.keep_facts(tree, "bytes");
  CHECK(store.facts(tree) == "bytes");
  fs::remove(facts);
  fs::create_directory(facts);
  CHECK(store.facts(tree).empty());
  store.keep_facts(tree, "bytes");
  CHECK(store.facts(tree).empty());
  CHECK(entries_in(scratch / "store/tmp") == 0);
}
