#!/usr/bin/env python3
# SPDX-License-Identifier: LGPL-2.1-or-later
"""Runs a program under the Vulkan validation layer and fails on any message.

    validate.py PROGRAM [ARGUMENT...]

Core, synchronization, GPU-assisted and best-practices checks are all on. With
--plant the program is given a fault that the layer must report, so that
silence means something. Exits 77 where the layer is not installed.
"""

import os
import pathlib
import re
import subprocess
import sys
import tempfile

LAYER = "VK_LAYER_KHRONOS_validation"
# Advice for programs that allocate often: test models are tiny, and their three
# arenas with them. And what the layer says of itself.
ACCEPTED = {
    "BestPractices-vkAllocateMemory-small-allocation",
    "BestPractices-vkBindBufferMemory-small-dedicated-allocation",
    "VALIDATION-SETTINGS",
    "WARNING-Setting-Limit-Adjusted",
    "UNASSIGNED-BestPractices-vkAllocateMemory-small-allocation",
    "UNASSIGNED-BestPractices-vkBindMemory-small-dedicated-allocation",
}
SETTINGS = """
khronos_validation.debug_action = VK_DBG_LAYER_ACTION_LOG_MSG
khronos_validation.report_flags = error,warn,perf
khronos_validation.log_filename = stdout
khronos_validation.enables = \
VK_VALIDATION_FEATURE_ENABLE_SYNCHRONIZATION_VALIDATION_EXT,\
VK_VALIDATION_FEATURE_ENABLE_BEST_PRACTICES_EXT,\
VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_EXT,\
VK_VALIDATION_FEATURE_ENABLE_GPU_ASSISTED_RESERVE_BINDING_SLOT_EXT
"""


def is_installed():
    folders = ["/usr/share/vulkan", "/usr/local/share/vulkan", "/etc/vulkan"]
    return any(pathlib.Path(f, "explicit_layer.d").glob("*khronos_validation*")
               for f in map(pathlib.Path, folders))


def name_of(message):
    match = re.search(r"\[ ([A-Za-z0-9_.-]+) \]", message)
    return match[1] if match else message


def run(arguments, folder, fault):
    settings = folder / "vk_layer_settings.txt"
    settings.write_text(SETTINGS)
    environment = dict(os.environ, VK_INSTANCE_LAYERS=LAYER,
                       VK_LAYER_SETTINGS_PATH=str(settings),
                       D2V_VULKAN_WAIT="200")
    if fault:
        environment["D2V_FAULT"] = fault
    result = subprocess.run(arguments, env=environment, stdout=subprocess.PIPE,
                            stderr=subprocess.STDOUT, text=True)
    messages = [line for line in result.stdout.splitlines() if "MessageID" in line]
    return result, [m for m in messages if name_of(m) not in ACCEPTED]


def main(arguments):
    if not is_installed():
        print(f"{LAYER} is not installed")
        return 77
    plant = None
    if arguments[0].startswith("--plant="):
        plant = arguments.pop(0).removeprefix("--plant=")
    with tempfile.TemporaryDirectory() as name:
        result, bad = run(arguments, pathlib.Path(name), None)
        if result.returncode or bad:
            print(result.stdout[-4000:], *bad, sep="\n")
            return 1
        if plant:
            _, found = run(arguments, pathlib.Path(name), plant)
            if not found:
                print(f"{plant} was not reported")
                return 1
            print(f"{plant} was reported:", *sorted({name_of(m) for m in found}))
    return 0


if __name__ == "__main__":
    if len(sys.argv) < 2:
        sys.exit(__doc__)
    sys.exit(main(sys.argv[1:]))
