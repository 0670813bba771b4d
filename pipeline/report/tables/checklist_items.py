"""The items of two reporting checklists, in this project's own wording, with the fact of a run that answers each.

CLEAR: Kocak et al., Insights into Imaging 2023;14:75 (58 items). METRICS: Kocak et al., Insights into Imaging 2024
(30 items with weights). `fact` names a key of `checklists.facts`; an item without one is for the author alone.
"""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Item:
    """One item: its number, its topic in short words, the fact that answers it, its weight (METRICS only)."""

    number: int
    topic: str
    fact: str = ""
    weight: float | None = None


def _clear(text: str) -> tuple[Item, ...]:
    rows = [line.partition("|") for line in text.strip().splitlines()]
    return tuple(
        Item(number=number, topic=topic.strip(), fact=fact.strip()) for number, (topic, _, fact) in enumerate(rows, 1)
    )


def _metrics(text: str) -> tuple[Item, ...]:
    rows = [line.split("|") for line in text.strip().splitlines()]
    return tuple(
        Item(number=number, weight=float(weight), topic=topic.strip(), fact=fact.strip())
        for number, (weight, topic, fact) in enumerate(rows, 1)
    )


CLEAR = _clear("""
The title names radiomics and the kind of study|
A structured abstract with the main numbers|
Keywords|
Medical background of the question|
Why radiomics, and what is unknown|
The aim, stated as a testable hypothesis|question
The checklist that was followed|checklist
Ethics approval, consent, protection of data|
How the sample size was justified|sample_size
Nature of the study: prospective or not, one or several centres|
Eligibility: criteria and setting|
A flowchart of the method|method_flow
Where the data come from|
Overlap with earlier work on the same patients|
How the data were divided, at which level, and what guards against leakage|split
How images were acquired|acquisition
Predictors that are not images|clinical
The reference standard|
How lesions were segmented|segmentation
Who segmented them, with what experience|
Image pre-processing|settings
Resampling of pixels or voxels|settings
Discretisation of grey levels|settings
Image types (filters) from which features were extracted|settings
Software of the extraction, with its version|dictionary
Classes of features|dictionary
How many features|dictionary
Which settings kept their default values|settings
How missing data were handled|missing
How unequal classes were handled|imbalance
Whether masks by other readers give the same features|agreement
Scaling of the features|reduction
How the number of features was reduced|reduction
The algorithms|algorithms
Training and tuning|algorithms
Confounders|confounders
How the final model was chosen|choice
Tested on held-out patients, and on patients from elsewhere|test
The measures of performance|metrics
Uncertainty of each measure|metrics
The statistical comparison of models|comparison
Comparison with predictors that are not images|clinical_compared
What the model attends to|explained
Baseline characteristics of the patients|baseline
Flow of patients through the study|flow
Statistics of the features: agreement, frequency of selection|feature_statistics
Performance, with examples of right and wrong predictions|performance
The combined model against its components|combined_compared
What was found, in a paragraph|
How it compares with earlier work|
What follows for practice, and the limits|
Whether the data are shared|
Whether the images are shared|
Whether the features are shared|features_shared
Whether the settings are shared|settings_shared
Whether the code is shared|
Whether the models are shared|
Anything else shared, such as a system ready for use|
""")

METRICS = _metrics("""
.0368|A reporting checklist was followed|checklist
.0735|Eligibility criteria describe a representative group|
.0919|A reference standard of high quality|
.0438|Several centres|centres
.0292|Images of the kind used in practice|
.0438|The acquisition protocol is reported|acquisition
.0292|The time between image and reference standard is stated|
.0337|The segmentation is described|segmentation
.0225|An automatic segmentation was evaluated|automatic
.0112|Test masks by one reader or by software, as in practice|test_masks
.0622|Pre-processing is suitable and described|settings
.0311|Extraction by standardised software|dictionary
.0415|Extraction settings are reported|settings
.0200|Features that change with the segmentation were removed|robust
.0200|Redundant features were removed|redundant
.0300|The number of features suits the number of patients|dimension
.0200|Robustness of end-to-end deep learning was examined|deep_robust
.0599|Training and test data were kept apart properly|split
.0300|Confounders were handled|confounders
.0352|Measures that suit the task|metrics
.0234|Uncertainty of the measures|metrics
.0176|Calibration was examined|calibration
.0117|One kind of image, or proof that one is not enough|uniparametric
.0293|Comparison with a model without images|clinical_compared
.0176|Comparison with simple models|simple
.0375|Tested on held-out patients of the same place|internal
.0749|Tested on patients from elsewhere|external
.0075|The data are available|
.0075|The code is available|
.0075|The model is available|
""")
