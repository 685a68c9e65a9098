//! Matrices inside slices, and their product on one thread.

/// A matrix inside a slice: numbers `row_stride` apart from row to row, `column_stride` from
/// column to column.
#[derive(Clone, Copy)]
pub(super) struct Matrix<'a> {
    values: &'a [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
    column_stride: usize,
}

impl<'a> Matrix<'a> {
    /// All of `values`, row by row.
    pub(super) fn rows(values: &'a [f32], rows: usize, columns: usize) -> Self {
        Self::part(values, rows, columns, columns, 0)
    }

    /// Columns `start..start + columns` of the matrix of `rows` rows of `width` numbers.
    pub(super) fn part(
        values: &'a [f32],
        rows: usize,
        columns: usize,
        width: usize,
        start: usize,
    ) -> Self {
        assert!(
            start + columns <= width && values.len() >= rows * width,
            "matrix out of its slice"
        );
        let values = if rows == 0 || columns == 0 { &[] } else { &values[start..] };
        Self { values, rows, columns, row_stride: width, column_stride: 1 }
    }

    /// Rows for columns.
    pub(super) fn transposed(self) -> Self {
        Self {
            rows: self.columns,
            columns: self.rows,
            row_stride: self.column_stride,
            column_stride: self.row_stride,
            ..self
        }
    }
}

/// A matrix to write to, row by row.
pub(super) struct MatrixMut<'a> {
    values: &'a mut [f32],
    rows: usize,
    columns: usize,
    row_stride: usize,
}

impl<'a> MatrixMut<'a> {
    /// All of `values`, row by row.
    pub(super) fn rows(values: &'a mut [f32], rows: usize, columns: usize) -> Self {
        Self::part(values, rows, columns, columns, 0)
    }

    /// As [`Matrix::part`].
    pub(super) fn part(
        values: &'a mut [f32],
        rows: usize,
        columns: usize,
        width: usize,
        start: usize,
    ) -> Self {
        assert!(
            start + columns <= width && values.len() >= rows * width,
            "matrix out of its slice"
        );
        let values = if rows == 0 || columns == 0 { &mut [] } else { &mut values[start..] };
        Self { values, rows, columns, row_stride: width }
    }
}

/// `target = left · right`, or `target += left · right` where `accumulate`, on this thread alone.
pub(super) fn multiply(
    target: &mut MatrixMut<'_>,
    left: Matrix<'_>,
    right: Matrix<'_>,
    accumulate: bool,
) {
    assert_eq!(
        (target.rows, target.columns, left.columns),
        (left.rows, right.columns, right.rows),
        "matrix shapes"
    );
    if target.rows == 0 || target.columns == 0 {
        return;
    }
    #[allow(unsafe_code, reason = "gemm takes pointers; the constructors checked every extent")]
    // SAFETY: each matrix's last number lies inside its slice (asserted where it was made), the
    // strides are below isize::MAX, and `target` is borrowed mutably, so it overlaps neither.
    unsafe {
        gemm::gemm(
            target.rows,
            target.columns,
            left.columns,
            target.values.as_mut_ptr(),
            1,
            target.row_stride as isize,
            accumulate,
            left.values.as_ptr(),
            left.column_stride as isize,
            left.row_stride as isize,
            right.values.as_ptr(),
            right.column_stride as isize,
            right.row_stride as isize,
            1.0,
            1.0,
            false,
            false,
            false,
            gemm::Parallelism::None,
        );
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn products_of_parts_and_transposes() {
        // [1 2; 3 4] inside rows of three, times itself transposed.
        let values = [1.0, 2.0, 9.0, 3.0, 4.0, 9.0];
        let a = Matrix::part(&values, 2, 2, 3, 0);
        let mut result = [0.0; 4];
        multiply(&mut MatrixMut::rows(&mut result, 2, 2), a, a.transposed(), false);
        assert_eq!(result, [5.0, 11.0, 11.0, 25.0]);
        multiply(&mut MatrixMut::rows(&mut result, 2, 2), a, a, true);
        assert_eq!(result, [12.0, 21.0, 26.0, 47.0]);
    }

    #[test]
    fn an_empty_inner_dimension_gives_zeros() {
        let mut result = [7.0; 2];
        let (left, right) = (Matrix::rows(&[], 1, 0), Matrix::rows(&[], 0, 2));
        multiply(&mut MatrixMut::rows(&mut result, 1, 2), left, right, false);
        assert_eq!(result, [0.0, 0.0]);
    }
}
