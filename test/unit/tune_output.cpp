// SPDX-License-Identifier: PostgreSQL
#include "tune/output.hpp"

#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <unistd.h>

#include "base/text.hpp"
#include "tune/command.hpp"
#include "tune/look.hpp"

namespace steward::tune {
namespace {

// ---- Units -----------------------------------------------------------------------------------------------------------

TEST(TuneUnits, are_written_as_postgresql_writes_them) {
    EXPECT_EQ(memory_text(2 * kGB), "2GB");
    EXPECT_EQ(memory_text(1536 * kMB), "1536MB");
    EXPECT_EQ(memory_text(64 * kKB), "64kB");
    EXPECT_EQ(memory_text(-1), "-1");
    EXPECT_EQ(time_text(900'000), "15min");
    EXPECT_EQ(shown({"16384", "8kB"}), "128MB");
    EXPECT_EQ(shown({"64", "16MB"}), "1GB");
    EXPECT_EQ(shown({"300", "s"}), "5min");
    EXPECT_EQ(shown({"1000", "ms"}), "1s");
    EXPECT_EQ(shown({"-1", "kB"}), "-1");
    EXPECT_EQ(shown({"2.5", "ms"}), "2.5ms");
    EXPECT_EQ(shown({"on", ""}), "on");
    EXPECT_EQ(shown({"200", ""}), "200");
}

TEST(TuneUnits, are_read_and_wrong_ones_are_refused_by_name) {
    EXPECT_EQ(*parse_memory("memory", "8GB"), 8 * kGB);
    EXPECT_EQ(*parse_memory("memory", " 1.5 TB "), 1536 * kGB);
    for (const char* bad :
         {"", "8", "8gb", "8GiB", "GB", "-1GB", "0GB", "1e9GB", "9999999999TB", "8 apples", "nan", "1.2.3GB"}) {
        const auto read = parse_memory("--memory", bad);
        ASSERT_FALSE(read.ok()) << bad;
        EXPECT_NE(read.failure().message.find("--memory"), std::string::npos);
    }
    EXPECT_EQ(*parse_count("cpus", "4", 1, 64), 4);
    for (const char* bad : {"", "0", "-1", "65", "4.5", "four", "99999999999"})
        EXPECT_FALSE(parse_count("cpus", bad, 1, 64).ok()) << bad;
}

TEST(TuneUnits, compare_by_what_they_mean) {
    EXPECT_TRUE(same_value("1GB", "1024MB"));
    EXPECT_TRUE(same_value("15min", "900s"));
    EXPECT_TRUE(same_value("0.9", "0.90"));
    EXPECT_TRUE(same_value("on", "true"));
    EXPECT_TRUE(same_value("a, b", "a,b"));
    EXPECT_FALSE(same_value("a, b", "b, a"));
    EXPECT_FALSE(same_value("1GB", "1TB"));
    EXPECT_FALSE(same_value("cp %p", "cp %P"));
}

TEST(TuneUnits, are_those_of_pg_settings_whatever_a_file_says) {
    EXPECT_EQ(setting_of("2GB", "8kB", false).value, "262144");
    EXPECT_EQ(setting_of(" 1536 MB", "MB", false).value, "1536");
    EXPECT_EQ(setting_of("15min", "s", false).value, "900");
    EXPECT_EQ(setting_of("-1", "MB", false).value, "-1");
    EXPECT_EQ(setting_of("200", "", false).value, "200");
    EXPECT_EQ(setting_of("cp %p /a", "", false).value, "cp %p /a");
    EXPECT_EQ(setting_of("YES", "", true).value, "on");
    EXPECT_EQ(setting_of("0", "", true).value, "off");
}

TEST(TuneUnits, round_down_and_never_fall) {
    EXPECT_EQ(rounded_down(2 * kGB), 2 * kGB);
    EXPECT_EQ(rounded_down(1989 * kMB), 1984 * kMB);
    std::int64_t before = 0;
    for (std::int64_t bytes = 1; bytes < kTB; bytes += bytes / 7 + 1) {
        const std::int64_t rounded = rounded_down(bytes);
        EXPECT_LE(rounded, bytes);
        EXPECT_GE(rounded * 32, bytes * 30);
        EXPECT_GE(rounded, before);
        before = rounded;
    }
}

// ---- Text ------------------------------------------------------------------------------------------------------------

Advice advice(const char* parameter, const char* value, const char* current) {
    Row row;
    row.group = "Group";
    row.parameter = parameter;
    row.value = value;
    row.severity = Severity::warning;
    row.reason = "It is better.";
    return advised(row, {{current, ""}, "string", "", "", "", false}).value();
}

std::string text(Format format, const std::vector<Advice>& rows) {
    std::string all;
    for (const std::string& line : config_lines(format, rows, "Title")) all += line + "\n";
    return all;
}

const std::vector<Advice> kRows = {advice("work_mem", "32MB", "4MB"), advice("jit", "off", "off"),
                                   advice("archive_command", "a 'b' \\c", "")};

TEST(TuneOutput, tells_a_difference_from_none) {
    EXPECT_EQ(advice("a", "1984MB", "2GB").row.severity, Severity::ok);
    EXPECT_EQ(advice("a", "1984MB", "4GB").row.severity, Severity::warning);
    EXPECT_EQ(advice("a", "10", "11").row.severity, Severity::warning);
    EXPECT_EQ(advice("max_wal_senders", "10", "20").row.value, "20") << "a standby needs as many as its primary";
    EXPECT_EQ(advice("max_wal_senders", "10", "20").row.severity, Severity::ok);
}

TEST(TuneOutput, keeps_to_what_the_server_takes) {
    Row row;
    row.parameter = "p";
    row.value = "lz4";
    EXPECT_FALSE(advised(row, {{"off", ""}, "enum", "", "", "{off,on}", false}));
    EXPECT_FALSE(advised(row, {{"off", ""}, "enum", "", "", "", false}));
    EXPECT_TRUE(advised(row, {{"off", ""}, "enum", "", "", "{off,lz4,on}", true})->row.needs_restart);
    row.value = "200";
    EXPECT_EQ(advised(row, {{"0", ""}, "integer", "0", "0", "", false})->row.value, "0");
    row.value = "4GB";
    EXPECT_EQ(advised(row, {{"64", "kB"}, "integer", "64", "2097151", "", false})->row.value, "2097151kB");
    EXPECT_EQ(*advised(row, {{"16384", "8kB"}, "integer", "16", "1073741823", "", false})->current, "128MB");
}

TEST(TuneOutput, writes_each_format) {
    EXPECT_EQ(text(Format::conf, kRows),
              "# Title. Written by pg_steward.\n\n# ---- Group\n# It is better.\nwork_mem = 32MB\n"
              "# It is better.\njit = off\n# It is better.\narchive_command = 'a ''b'' \\\\c'\n");
    EXPECT_EQ(
        text(Format::alter_system, kRows),
        "-- Title. Written by pg_steward.\n-- It is better.\nALTER SYSTEM SET work_mem = '32MB';\n-- It is better.\n"
        "ALTER SYSTEM SET archive_command = E'a ''b'' \\\\c';\nSELECT pg_reload_conf();\n");
    EXPECT_EQ(text(Format::patroni, kRows),
              "# Title. Written by pg_steward.\npostgresql:\n  parameters:\n    # It is better.\n    work_mem: '32MB'\n"
              "    # It is better.\n    jit: 'off'\n    # It is better.\n    archive_command: 'a ''b'' \\c'\n");
    EXPECT_EQ(text(Format::diff, kRows),
              "-work_mem = 4MB\n+work_mem = 32MB\n-archive_command = ''\n+archive_command = 'a ''b'' \\\\c'\n");
    EXPECT_EQ(alter_system_value("shared_preload_libraries", "a, \"b c\""), "'a', 'b c'")
        << "a list of names, not one name";
    EXPECT_FALSE(parse_format("yaml").ok());
}

TEST(TuneOutput, keeps_lines_short) {
    Input input;
    input.machine.memory_bytes = 8 * kGB;
    input.machine.cpus = 4;
    std::vector<Advice> rows;
    for (Row& row : recommend(input)) rows.push_back({row, "x"});
    for (const Format format : {Format::conf, Format::alter_system, Format::patroni, Format::diff})
        for (const std::string& line : config_lines(format, rows, title_of(input)))
            EXPECT_LT(line.size(), 130U) << line;
}

// ---- Command line ----------------------------------------------------------------------------------------------------

TEST(TuneCommand, computes_for_another_machine_than_this) {
    const auto conf = run_command({"--memory", "64GB", "--cpus", "16", "--profile", "dw", "--version", "18", "--disk",
                                   "nvme", "--no-pool", "--logical"},
                                  Machine{});
    ASSERT_TRUE(conf.ok()) << conf.failure().message;
    for (const char* line :
         {"\nshared_buffers = 16GB", "\nio_method = worker", "\nwal_level = logical", "\nmax_connections = 40"})
        EXPECT_NE(conf->find(line), std::string::npos) << line;
    EXPECT_TRUE(run_command({"--help"}, Machine{}).ok());
}

TEST(TuneCommand, names_what_is_wrong) {
    Machine here;
    here.memory_bytes = 8 * kGB;
    const auto refused = [&](std::vector<std::string> arguments, const std::string& what) {
        const auto result = run_command(arguments, here);
        return !result.ok() && result.failure().message.find(what) != std::string::npos &&
               !result.failure().hint.empty();
    };
    EXPECT_TRUE(refused({"--memory", "8"}, "--memory"));
    EXPECT_TRUE(refused({"--memory"}, "--memory"));
    EXPECT_TRUE(refused({"--cpus", "0"}, "--cpus"));
    EXPECT_TRUE(refused({"--profile", "fast"}, "unknown profile: \"fast\""));
    EXPECT_TRUE(refused({"--disk", "tape"}, "unknown disk: \"tape\""));
    EXPECT_TRUE(refused({"--version", "12"}, "--version"));
    EXPECT_TRUE(refused({"--format", "xml"}, "unknown format: \"xml\""));
    EXPECT_TRUE(refused({"--memroy", "8GB"}, "unknown option: \"--memroy\""));
    EXPECT_TRUE(refused({"--memory", "1MB"}, "memory is out of range"));
}

// ---- What the machine says -------------------------------------------------------------------------------------------

class Tree {
public:
    Tree() : root_(std::filesystem::temp_directory_path() / fmt::format("steward_tune_{}", getpid())) {
        std::filesystem::create_directories(root_);
    }
    ~Tree() { std::filesystem::remove_all(root_); }
    Tree(const Tree&) = delete;
    Tree& operator=(const Tree&) = delete;
    void put(const std::string& path, const std::string& content) const {
        std::filesystem::create_directories((root_ / path).parent_path());
        std::ofstream(root_ / path) << content;
    }
    void link(const std::string& path, const std::string& target) const {
        std::filesystem::create_directories((root_ / path).parent_path());
        std::filesystem::create_symlink(root_ / target, root_ / path);
    }
    std::string root() const { return root_.string(); }

private:
    std::filesystem::path root_;
};

TEST(TuneLook, takes_the_lowest_limit_of_memory_and_processors) {
    const Tree tree;
    EXPECT_FALSE(look_at_memory(tree.root()));
    EXPECT_EQ(look_at_processors(tree.root(), 8), 8);
    tree.put("proc/meminfo", "MemTotal:       16777216 kB\nHugepagesize:    2048 kB\n");
    EXPECT_EQ(look_at_memory(tree.root())->bytes, 16 * kGB);
    EXPECT_FALSE(look_at_memory(tree.root())->is_limited);
    EXPECT_EQ(look_at_huge_page(tree.root()), 2 * kMB);
    // Version 2: of its own group and of those above it.
    tree.put("proc/self/cgroup", "0::/system.slice/postgresql.service\n");
    tree.put("sys/fs/cgroup/system.slice/postgresql.service/memory.max", "max\n");
    tree.put("sys/fs/cgroup/system.slice/postgresql.service/cpu.max", "max 100000\n");
    tree.put("sys/fs/cgroup/system.slice/memory.max", "8589934592\n");
    tree.put("sys/fs/cgroup/system.slice/cpu.max", "250000 100000\n");
    EXPECT_EQ(look_at_memory(tree.root())->bytes, 8 * kGB);
    EXPECT_TRUE(look_at_memory(tree.root())->is_limited);
    EXPECT_EQ(look_at_processors(tree.root(), 8), 3);
    EXPECT_EQ(look_at_processors(tree.root(), 2), 2);
    // Version 1, where no limit is a huge number.
    tree.put("proc/self/cgroup", "4:memory:/a\n2:cpu,cpuacct:/a\nnonsense\n");
    tree.put("sys/fs/cgroup/memory/a/memory.limit_in_bytes", "9223372036854771712\n");
    EXPECT_EQ(look_at_memory(tree.root())->bytes, 16 * kGB);
    tree.put("sys/fs/cgroup/memory/memory.limit_in_bytes", "4294967296\n");
    tree.put("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "-1\n");
    tree.put("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_period_us", "100000\n");
    EXPECT_EQ(look_at_memory(tree.root())->bytes, 4 * kGB);
    EXPECT_EQ(look_at_processors(tree.root(), 8), 8);
    tree.put("sys/fs/cgroup/cpu,cpuacct/a/cpu.cfs_quota_us", "50000\n");
    EXPECT_EQ(look_at_processors(tree.root(), 8), 1);
}

TEST(TuneLook, tells_disks_apart) {
    const Tree tree;
    tree.put("sys/devices/pci/ata1/block/sda/queue/rotational", "1\n");
    tree.put("sys/devices/pci/ata1/block/sda/sda1/partition", "1\n");
    tree.put("sys/devices/pci/ata2/block/sdb/queue/rotational", "0\n");
    tree.put("sys/devices/pci/nvme/nvme0/nvme0n1/queue/rotational", "0\n");
    tree.put("sys/devices/pci/virtio1/block/vda/queue/rotational", "1\n");
    tree.link("sys/dev/block/8:1", "sys/devices/pci/ata1/block/sda/sda1");
    tree.link("sys/dev/block/8:16", "sys/devices/pci/ata2/block/sdb");
    tree.link("sys/dev/block/259:0", "sys/devices/pci/nvme/nvme0/nvme0n1");
    tree.link("sys/dev/block/254:0", "sys/devices/pci/virtio1/block/vda");
    EXPECT_EQ(look_at_disk(tree.root(), 8, 1), Disk::hdd);
    EXPECT_EQ(look_at_disk(tree.root(), 8, 16), Disk::ssd);
    EXPECT_EQ(look_at_disk(tree.root(), 259, 0), Disk::nvme);
    EXPECT_FALSE(look_at_disk(tree.root(), 254, 0)) << "a virtual disk calls itself rotational whatever it is";
    EXPECT_FALSE(look_at_disk(tree.root(), 0, 42));
    tree.put("proc/sys/vm/swappiness", "60\n");
    EXPECT_EQ(look_at_kernel(tree.root(), "vm.swappiness"), "60");
    EXPECT_FALSE(look_at_kernel(tree.root(), "vm.nonsense"));
}

}  // namespace
}  // namespace steward::tune
