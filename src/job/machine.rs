//! What this machine is, for the run folder: whoever reads its times wants to know.

use sysinfo::System;

use crate::device;
use crate::run::state::Machine;

/// This machine, and the card that a run on `device` (`cpu`, `cuda:0`) computes on. A card that does
/// not answer is left out: the run itself will say so.
pub(super) fn of(device: &str) -> Machine {
    let cpu = device::describe_cpu();
    let memory = System::new().map(|mut system| {
        system.refresh_memory();
        system.cgroup_limits().map_or(system.total_memory(), |limits| limits.total_memory)
    });
    let card = (device != "cpu").then(|| device::cards().ok()).flatten();
    let card = card.and_then(|cards| cards.into_iter().find(|card| card.name == device));
    Machine {
        cpu: cpu.model,
        cores: cpu.threads,
        // Where the system does not tell it, nobody is told.
        memory: memory.unwrap_or(0),
        gpu: card.as_ref().map(|card| card.model.clone()),
        gpu_memory: card.map(|card| card.memory),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_machine_has_a_processor_and_memory_and_the_cpu_is_no_card() {
        let machine = of("cpu");
        assert!(!machine.cpu.is_empty() && machine.cores > 0 && machine.memory > 1 << 20);
        assert_eq!((machine.gpu, machine.gpu_memory), (None, None));
    }
}
