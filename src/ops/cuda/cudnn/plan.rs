//! A thread's cuDNN, and which algorithm it takes for which convolution.

use std::cell::RefCell;
use std::collections::HashMap;
use std::ffi::c_int;

use candle_core::cuda_backend::DeviceId;
use candle_core::{CudaDevice, Error, Result};
use cudarc::cudnn::{result as cudnn, sys};

use super::descriptor::Descriptors;
use super::{Direction, failed};
use crate::ops::conv2d::Geometry;
use crate::ops::precision::Precision;

/// The most working memory that an algorithm may take, in bytes.
const MOST: usize = 4 << 30;

/// More than any direction has algorithms.
const OFFERS: usize = 10;

#[derive(Debug, Clone, Copy)]
pub(super) enum Algorithm {
    Forward(sys::cudnnConvolutionFwdAlgo_t),
    Input(sys::cudnnConvolutionBwdDataAlgo_t),
    Weight(sys::cudnnConvolutionBwdFilterAlgo_t),
}

/// How one convolution is done.
#[derive(Debug, Clone, Copy)]
pub(super) struct Plan {
    pub(super) algorithm: Algorithm,
    pub(super) math: sys::cudnnMathType_t,
    /// Bytes.
    pub(super) workspace: usize,
}

/// cuDNN for one thread and one card: its handle may not be shared between threads.
pub(super) struct Library {
    handle: sys::cudnnHandle_t,
    plans: HashMap<(Geometry, Direction, Precision), Option<Plan>>,
}

thread_local! {
    static LIBRARIES: RefCell<HashMap<DeviceId, Library>> = RefCell::default();
}

/// Calls `work` with this thread's cuDNN for `device`.
pub(super) fn with_library<R>(
    device: &CudaDevice,
    work: impl FnOnce(&mut Library) -> Result<R>,
) -> Result<R> {
    LIBRARIES.with_borrow_mut(|libraries| {
        device.cuda_stream().context().bind_to_thread().map_err(Error::wrap)?;
        let library = match libraries.entry(device.id()) {
            std::collections::hash_map::Entry::Occupied(entry) => entry.into_mut(),
            std::collections::hash_map::Entry::Vacant(entry) => entry.insert(Library::new(device)?),
        };
        work(library)
    })
}

impl Library {
    fn new(device: &CudaDevice) -> Result<Self> {
        super::version()?;
        let handle = cudnn::create_handle().map_err(Error::wrap)?;
        let library = Self { handle, plans: HashMap::new() };
        #[allow(unsafe_code, reason = "cuDNN is a C library")]
        // SAFETY: the handle was made above; the stream lives as long as the device, which whoever
        // computes on it holds.
        unsafe { cudnn::set_stream(handle, device.cuda_stream().cu_stream().cast()) }
            .map_err(Error::wrap)?;
        Ok(library)
    }

    pub(super) fn handle(&self) -> sys::cudnnHandle_t {
        self.handle
    }

    /// How to do it, `None` = not by cuDNN; the descriptors are those of the geometry.
    pub(super) fn plan(
        &mut self,
        g: &Geometry,
        direction: Direction,
        precision: Precision,
        descriptors: &Descriptors,
    ) -> Result<Option<Plan>> {
        let key = (*g, direction, precision);
        if let Some(plan) = self.plans.get(&key) {
            return Ok(*plan);
        }
        let offers = match self.offers(direction, descriptors) {
            Err(error) if is_unsupported(error) => Vec::new(),
            offers => offers.map_err(|error| failed(direction, g, &error))?,
        };
        let fits = |offer: &&Offer| offer.works && offer.plan.workspace <= MOST;
        let best = offers.iter().filter(fits).find(|offer| offer.deterministic);
        // Rather one that is not than none: cuDNN has no deterministic one for a few geometries.
        let mut plan = best.or_else(|| offers.iter().find(fits)).map(|offer| offer.plan);
        if let Some(plan) = &mut plan {
            descriptors.set_math(plan.math)?;
            let bytes = self.workspace(plan.algorithm, descriptors);
            plan.workspace = bytes.map_err(|error| failed(direction, g, &error))?;
        }
        self.plans.insert(key, plan);
        Ok(plan)
    }

    /// Best first, as cuDNN thinks.
    fn offers(
        &self,
        direction: Direction,
        d: &Descriptors,
    ) -> std::result::Result<Vec<Offer>, cudnn::CudnnError> {
        /// Asks, and brings the answers into one form.
        macro_rules! ask {
            ($ask:path, $perf:ty, $algorithm:path, $($descriptor:expr),+) => {{
                let mut count: c_int = 0;
                #[allow(unsafe_code, reason = "cuDNN is a C library")]
                // SAFETY: zeros are valid: every enumeration in it has a variant 0. There is room
                // for as many answers as are asked for; handle and descriptors live.
                let answers = unsafe {
                    let mut answers: [$perf; OFFERS] = std::mem::zeroed();
                    $ask(
                        self.handle,
                        $($descriptor,)+
                        OFFERS as c_int,
                        &raw mut count,
                        answers.as_mut_ptr(),
                    )?;
                    answers
                };
                let count = usize::try_from(count).unwrap_or(0);
                let offer = |answer: &$perf| Offer {
                    works: answer.status == sys::cudnnStatus_t::CUDNN_STATUS_SUCCESS,
                    deterministic: answer.determinism
                        == sys::cudnnDeterminism_t::CUDNN_DETERMINISTIC,
                    plan: Plan {
                        algorithm: $algorithm(answer.algo),
                        math: answer.mathType,
                        workspace: answer.memory,
                    },
                };
                answers.iter().take(count).map(offer).collect()
            }};
        }
        let (x, y, w, c) = (d.maps.0, d.outputs.0, d.weight.0, d.convolution.0);
        Ok(match direction {
            Direction::Forward => ask!(
                cudnn::get_convolution_forward_algorithm,
                sys::cudnnConvolutionFwdAlgoPerf_t,
                Algorithm::Forward,
                x,
                w,
                c,
                y
            ),
            Direction::Input => ask!(
                cudnn::get_convolution_backward_data_algorithm,
                sys::cudnnConvolutionBwdDataAlgoPerf_t,
                Algorithm::Input,
                w,
                y,
                c,
                x
            ),
            Direction::Weight => ask!(
                cudnn::get_convolution_backward_filter_algorithm,
                sys::cudnnConvolutionBwdFilterAlgoPerf_t,
                Algorithm::Weight,
                x,
                y,
                c,
                w
            ),
        })
    }

    /// Bytes that an algorithm works in.
    #[allow(unsafe_code, reason = "cuDNN is a C library")]
    fn workspace(
        &self,
        algorithm: Algorithm,
        d: &Descriptors,
    ) -> std::result::Result<usize, cudnn::CudnnError> {
        let (handle, x, y) = (self.handle, d.maps.0, d.outputs.0);
        let (w, c) = (d.weight.0, d.convolution.0);
        // SAFETY: handle and descriptors live.
        unsafe {
            match algorithm {
                Algorithm::Forward(algorithm) => {
                    cudnn::get_convolution_forward_workspace_size(handle, x, w, c, y, algorithm)
                }
                Algorithm::Input(algorithm) => cudnn::get_convolution_backward_data_workspace_size(
                    handle, w, y, c, x, algorithm,
                ),
                Algorithm::Weight(algorithm) => {
                    cudnn::get_convolution_backward_filter_workspace_size(
                        handle, x, y, c, w, algorithm,
                    )
                }
            }
        }
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        #[allow(unsafe_code, reason = "cuDNN is a C library")]
        // SAFETY: made by `new`, destroyed here alone.
        let _ = unsafe { cudnn::destroy_handle(self.handle) };
    }
}

/// Whether cuDNN says that it has nothing of the kind, in one of its words for that.
fn is_unsupported(error: cudnn::CudnnError) -> bool {
    (3000..4000).contains(&(error.0 as u32))
}

/// An algorithm that cuDNN offers.
struct Offer {
    works: bool,
    deterministic: bool,
    plan: Plan,
}
