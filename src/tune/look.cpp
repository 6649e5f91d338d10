// SPDX-License-Identifier: PostgreSQL
#include "tune/look.hpp"

#include <algorithm>
#include <climits>
#include <cmath>
#include <cstdlib>
#include <fstream>
#include <sched.h>
#include <sstream>
#include <sys/stat.h>
#include <sys/statvfs.h>
#include <sys/sysmacros.h>

#include "base/text.hpp"

namespace steward::tune {

namespace {

std::optional<std::string> first_line(const std::string& path) {
    std::ifstream file(path);
    std::string line;
    if (!std::getline(file, line)) return std::nullopt;
    return line;
}

// "max" and whatever is no number: none.
std::optional<std::int64_t> number_in(const std::string& text) {
    constexpr std::size_t kMostDigits = 18;
    const std::size_t end = std::min(text.find_first_not_of("0123456789"), text.size());
    if (end == 0 || end > kMostDigits) return std::nullopt;
    return std::stoll(text.substr(0, end));
}

std::optional<std::int64_t> meminfo(const std::string& root, const std::string& name) {
    std::ifstream file(root + "/proc/meminfo");
    for (std::string line; std::getline(file, line);) {
        if (line.compare(0, name.size() + 1, name + ":") != 0) continue;
        const std::size_t digits = line.find_first_of("0123456789");
        if (digits == std::string::npos) return std::nullopt;
        const auto kilobytes = number_in(line.substr(digits));
        return kilobytes ? std::optional(*kilobytes * kKB) : std::nullopt;
    }
    return std::nullopt;
}

// Directories of the control groups this process is in, each with those above it: a limit of any of them binds.
std::vector<std::string> group_directories(const std::string& root, const std::string& controller) {
    std::vector<std::string> found;
    const auto add = [&](const std::string& mount, std::string path) {
        while (!path.empty() && path.back() == '/') path.pop_back();
        for (;;) {
            found.push_back(mount + path);
            if (path.empty()) return;
            path.erase(path.rfind('/'));
        }
    };
    std::ifstream file(root + "/proc/self/cgroup");
    for (std::string line; std::getline(file, line);) {
        const std::size_t first = line.find(':');
        const std::size_t second = first == std::string::npos ? first : line.find(':', first + 1);
        if (second == std::string::npos || second + 1 >= line.size() || line[second + 1] != '/') continue;
        const std::string names = line.substr(first + 1, second - first - 1);
        const std::string path = line.substr(second + 1);
        if (names.empty()) {
            add(root + "/sys/fs/cgroup", path);
            continue;
        }
        const std::string mounts = root + "/sys/fs/cgroup/";
        std::istringstream each(names);
        for (std::string name; std::getline(each, name, ',');)
            if (name == controller) {
                add(mounts + names, path);
                if (names != controller) add(mounts + controller, path);
            }
    }
    return found;
}

std::optional<double> quota_in(const std::string& directory) {
    if (const auto line = first_line(directory + "/cpu.max")) {
        std::istringstream fields(*line);
        std::string quota;
        double period = 0;
        fields >> quota >> period;
        const auto number = number_in(quota);
        if (number && *number > 0 && period > 0) return static_cast<double>(*number) / period;
    }
    const auto quota = first_line(directory + "/cpu.cfs_quota_us");
    const auto period = first_line(directory + "/cpu.cfs_period_us");
    if (!quota || !period) return std::nullopt;
    const auto used = number_in(*quota);
    const auto of = number_in(*period);
    if (!used || !of || *used == 0 || *of == 0) return std::nullopt;
    return static_cast<double>(*used) / static_cast<double>(*of);
}

}  // namespace

std::optional<MemorySeen> look_at_memory(const std::string& root) {
    const auto total = meminfo(root, "MemTotal");
    if (!total) return std::nullopt;
    MemorySeen seen{*total, false};
    for (const std::string& directory : group_directories(root, "memory"))
        for (const char* name : {"/memory.max", "/memory.limit_in_bytes"}) {
            const auto line = first_line(directory + name);
            const auto limit = line ? number_in(*line) : std::nullopt;
            if (limit && *limit > 0 && *limit < seen.bytes) seen = {*limit, true};
        }
    return seen;
}

int available_processors() {
    cpu_set_t set;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof set, &set) != 0) return 1;
    return std::max(1, CPU_COUNT(&set));
}

int look_at_processors(const std::string& root, int available) {
    double least = available;
    for (const std::string& directory : group_directories(root, "cpu"))
        if (const auto quota = quota_in(directory)) least = std::min(least, *quota);
    return std::clamp(static_cast<int>(std::ceil(least)), 1, std::max(1, available));
}

std::optional<Disk> look_at_disk(const std::string& root, unsigned major, unsigned minor) {
    const std::string device = fmt::format("{}/sys/dev/block/{}:{}", root, major, minor);
    char target[PATH_MAX];
    if (realpath(device.c_str(), target) == nullptr) return std::nullopt;
    const std::string real(target);
    if (real.find("/nvme") != std::string::npos) return Disk::nvme;
    // A virtual disk calls itself rotational whatever is behind it.
    const bool is_virtual = real.find("/virtio") != std::string::npos || real.find("/vbd-") != std::string::npos;
    // A partition has its queue one up.
    for (const char* queue : {"/queue/rotational", "/../queue/rotational"})
        if (const auto line = first_line(real + queue)) {
            if (*line == "1" && is_virtual) return std::nullopt;
            return *line == "1" ? Disk::hdd : Disk::ssd;
        }
    return std::nullopt;
}

std::optional<Disk> disk_below(const std::string& root, const std::string& path) {
    struct stat state {};
    if (stat(path.c_str(), &state) != 0) return std::nullopt;
    return look_at_disk(root, major(state.st_dev), minor(state.st_dev));
}

std::optional<FileSystem> file_system_of(const std::string& path) {
    struct statvfs state {};
    if (statvfs(path.c_str(), &state) != 0 || state.f_blocks == 0) return std::nullopt;
    const auto block = static_cast<std::int64_t>(state.f_frsize);
    return FileSystem{static_cast<std::int64_t>(state.f_blocks) * block,
                      static_cast<std::int64_t>(state.f_bavail) * block};
}

std::optional<std::string> look_at_kernel(const std::string& root, const std::string& parameter) {
    std::string path = parameter;
    std::replace(path.begin(), path.end(), '.', '/');
    return first_line(root + "/proc/sys/" + path);
}

std::optional<std::int64_t> look_at_huge_page(const std::string& root) { return meminfo(root, "Hugepagesize"); }

}  // namespace steward::tune
