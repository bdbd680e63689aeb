; ModuleID = "likewise"
target triple = "unknown-unknown-unknown"
target datalayout = ""

define i64 @"search"(ptr noalias %".1")
{
entry:
  %".4" = getelementptr i64, ptr %".1", i64 3
  %".5" = load i64, ptr %".4"
  %".6" = getelementptr i64, ptr %".1", i64 4
  %".7" = load i64, ptr %".6"
  %".11" = alloca <4 x float>, i32 8, align 64
  %".12" = alloca <4 x float>, i32 2, align 64
  %".13" = getelementptr i64, ptr %".1", i64 7
  %".14" = load i64, ptr %".13"
  %".15" = getelementptr i64, ptr %".1", i64 1
  %".16" = load i64, ptr %".15"
  %".19" = getelementptr i64, ptr %".1", i64 2
  %".20" = load i64, ptr %".19"
  %".21" = inttoptr i64 %".20" to ptr
  %".41" = getelementptr i64, ptr %".1", i64 0
  %".42" = load i64, ptr %".41"
  %".43" = inttoptr i64 %".42" to ptr
  %".46" = getelementptr i64, ptr %".1", i64 9
  %".47" = load i64, ptr %".46"
  %".48" = inttoptr i64 %".47" to ptr
  %".51" = alloca <4 x float>, i32 1
  %".53" = alloca <4 x float>, i32 1
  %".55" = alloca <4 x float>, i32 1
  %".57" = alloca <4 x float>, i32 1
  %".59" = alloca <4 x float>, i32 1
  %".61" = alloca <4 x float>, i32 1
  %".63" = alloca <4 x float>, i32 1
  %".65" = alloca <4 x float>, i32 1
  %".177" = getelementptr i64, ptr %".1", i64 17
  %".178" = load i64, ptr %".177"
  %".179" = inttoptr i64 %".178" to ptr
  %".256" = alloca i64, i32 1
  %".308" = getelementptr i64, ptr %".1", i64 10
  %".309" = load i64, ptr %".308"
  %".310" = getelementptr i64, ptr %".1", i64 11
  %".311" = load i64, ptr %".310"
  %".312" = getelementptr i64, ptr %".1", i64 12
  %".313" = load i64, ptr %".312"
  %".314" = inttoptr i64 %".313" to ptr
  %".317" = getelementptr i64, ptr %".1", i64 14
  %".318" = load i64, ptr %".317"
  %".319" = inttoptr i64 %".318" to ptr
  %".322" = getelementptr i64, ptr %".1", i64 15
  %".323" = load i64, ptr %".322"
  %".324" = inttoptr i64 %".323" to ptr
  %".327" = alloca i64, i32 1
  %".344" = getelementptr i64, ptr %".1", i64 5
  %".345" = load i64, ptr %".344"
  %".348" = getelementptr i64, ptr %".1", i64 20
  %".349" = load i64, ptr %".348"
  %".350" = inttoptr i64 %".349" to ptr
  %".356" = getelementptr i64, ptr %".1", i64 21
  %".357" = load i64, ptr %".356"
  %".359" = alloca i1, i32 1
  %".363" = getelementptr i64, ptr %".1", i64 22
  %".364" = load i64, ptr %".363"
  %".367" = inttoptr i64 %".357" to ptr
  %".375" = getelementptr i64, ptr %".1", i64 13
  %".376" = load i64, ptr %".375"
  %".377" = inttoptr i64 %".376" to ptr
  %".390" = alloca i64, i32 1
  %".420" = alloca i64, i32 1
  %".422" = alloca i64, i32 1
  %".463" = getelementptr i64, ptr %".1", i64 18
  %".464" = load i64, ptr %".463"
  %".465" = bitcast i64 %".464" to double
  %".466" = fptrunc double %".465" to float
  %".467" = getelementptr i64, ptr %".1", i64 19
  %".468" = load i64, ptr %".467"
  %".469" = inttoptr i64 %".468" to ptr
  %".477" = getelementptr i64, ptr %".1", i64 16
  %".478" = load i64, ptr %".477"
  %".479" = inttoptr i64 %".478" to ptr
  %".486" = alloca i64, i32 1
  %".524" = getelementptr i64, ptr %".1", i64 6
  %".525" = load i64, ptr %".524"
  br label %"body"
body:
  br label %"panel.head"
panel.head:
  %"panel" = phi  i64 [%".5", %"body"], [%".560", %"slice.done"]
  %".9" = icmp slt i64 %"panel", %".7"
  br i1 %".9", label %"panel.body", label %"panel.done"
panel.body:
  %".17" = add i64 %".16", 3
  %".18" = sdiv i64 %".17", 4
  %".22" = mul i64 %"panel", %".14"
  %".23" = mul i64 %".22", 8
  %".24" = getelementptr float, ptr %".21", i64 %".23"
  %".25" = add i64 %".14", 255
  %".26" = sdiv i64 %".25", 256
  %".27" = sub i64 %".26", 1
  %".28" = add i64 %".14", %".27"
  %".29" = sdiv i64 %".28", %".26"
  br label %"slice.head"
panel.done:
  ret i64 0
slice.head:
  %"slice" = phi  i64 [0, %"panel.body"], [%".558", %"tile.done"]
  %".31" = icmp slt i64 %"slice", %".26"
  br i1 %".31", label %"slice.body", label %"slice.done"
slice.body:
  %".33" = mul i64 %"slice", %".29"
  %".34" = add i64 %".33", %".29"
  %".35" = icmp sge i64 %".34", %".14"
  %".36" = select  i1 %".35", i64 %".14", i64 %".34"
  br label %"tile.head"
slice.done:
  %".560" = add i64 %"panel", 1
  br label %"panel.head"
tile.head:
  %"tile" = phi  i64 [0, %"slice.body"], [%".556", %"t.done.endif"]
  %".38" = icmp slt i64 %"tile", %".18"
  br i1 %".38", label %"tile.body", label %"tile.done"
tile.body:
  %".40" = mul i64 %"tile", 4
  %".44" = mul i64 %".40", %".14"
  %".45" = getelementptr float, ptr %".43", i64 %".44"
  %".49" = mul i64 %"tile", 32
  %".50" = getelementptr float, ptr %".48", i64 %".49"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".51"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".53"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".55"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".57"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".59"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".61"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".63"
  store <4 x float> <float              0x0, float              0x0, float              0x0, float              0x0>, ptr %".65"
  %".67" = icmp sgt i64 %".33", 0
  br i1 %".67", label %"tile.body.if", label %"tile.body.endif"
tile.done:
  %".558" = add i64 %"slice", 1
  br label %"slice.head"
tile.body.if:
  %".69" = getelementptr float, ptr %".50", i64 0
  %".70" = load <4 x float>, ptr %".69", align 4
  store <4 x float> %".70", ptr %".51"
  %".72" = getelementptr float, ptr %".50", i64 4
  %".73" = load <4 x float>, ptr %".72", align 4
  store <4 x float> %".73", ptr %".53"
  %".75" = getelementptr float, ptr %".50", i64 8
  %".76" = load <4 x float>, ptr %".75", align 4
  store <4 x float> %".76", ptr %".55"
  %".78" = getelementptr float, ptr %".50", i64 12
  %".79" = load <4 x float>, ptr %".78", align 4
  store <4 x float> %".79", ptr %".57"
  %".81" = getelementptr float, ptr %".50", i64 16
  %".82" = load <4 x float>, ptr %".81", align 4
  store <4 x float> %".82", ptr %".59"
  %".84" = getelementptr float, ptr %".50", i64 20
  %".85" = load <4 x float>, ptr %".84", align 4
  store <4 x float> %".85", ptr %".61"
  %".87" = getelementptr float, ptr %".50", i64 24
  %".88" = load <4 x float>, ptr %".87", align 4
  store <4 x float> %".88", ptr %".63"
  %".90" = getelementptr float, ptr %".50", i64 28
  %".91" = load <4 x float>, ptr %".90", align 4
  store <4 x float> %".91", ptr %".65"
  br label %"tile.body.endif"
tile.body.endif:
  br label %"t.head"
t.head:
  %"t" = phi  i64 [%".33", %"tile.body.endif"], [%".165", %"t.body"]
  %".95" = icmp slt i64 %"t", %".36"
  br i1 %".95", label %"t.body", label %"t.done"
t.body:
  %".97" = mul i64 %"t", 8
  %".98" = add i64 %".97", 0
  %".99" = getelementptr float, ptr %".24", i64 %".98"
  %".100" = load <4 x float>, ptr %".99", align 4
  %".101" = add i64 %".97", 4
  %".102" = getelementptr float, ptr %".24", i64 %".101"
  %".103" = load <4 x float>, ptr %".102", align 4
  %".104" = mul i64 %"t", 4
  %".105" = add i64 %".104", 0
  %".106" = getelementptr float, ptr %".45", i64 %".105"
  %".107" = load float, ptr %".106", align 4
  %".108" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".107", i32 0
  %".109" = shufflevector <4 x float> %".108", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".110" = load <4 x float>, ptr %".51"
  %".111" = fsub <4 x float> %".109", %".100"
  %".112" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".111")
  %".113" = fadd <4 x float> %".110", %".112"
  store <4 x float> %".113", ptr %".51"
  %".115" = load <4 x float>, ptr %".53"
  %".116" = fsub <4 x float> %".109", %".103"
  %".117" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".116")
  %".118" = fadd <4 x float> %".115", %".117"
  store <4 x float> %".118", ptr %".53"
  %".120" = add i64 %".104", 1
  %".121" = getelementptr float, ptr %".45", i64 %".120"
  %".122" = load float, ptr %".121", align 4
  %".123" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".122", i32 0
  %".124" = shufflevector <4 x float> %".123", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".125" = load <4 x float>, ptr %".55"
  %".126" = fsub <4 x float> %".124", %".100"
  %".127" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".126")
  %".128" = fadd <4 x float> %".125", %".127"
  store <4 x float> %".128", ptr %".55"
  %".130" = load <4 x float>, ptr %".57"
  %".131" = fsub <4 x float> %".124", %".103"
  %".132" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".131")
  %".133" = fadd <4 x float> %".130", %".132"
  store <4 x float> %".133", ptr %".57"
  %".135" = add i64 %".104", 2
  %".136" = getelementptr float, ptr %".45", i64 %".135"
  %".137" = load float, ptr %".136", align 4
  %".138" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".137", i32 0
  %".139" = shufflevector <4 x float> %".138", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".140" = load <4 x float>, ptr %".59"
  %".141" = fsub <4 x float> %".139", %".100"
  %".142" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".141")
  %".143" = fadd <4 x float> %".140", %".142"
  store <4 x float> %".143", ptr %".59"
  %".145" = load <4 x float>, ptr %".61"
  %".146" = fsub <4 x float> %".139", %".103"
  %".147" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".146")
  %".148" = fadd <4 x float> %".145", %".147"
  store <4 x float> %".148", ptr %".61"
  %".150" = add i64 %".104", 3
  %".151" = getelementptr float, ptr %".45", i64 %".150"
  %".152" = load float, ptr %".151", align 4
  %".153" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".152", i32 0
  %".154" = shufflevector <4 x float> %".153", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".155" = load <4 x float>, ptr %".63"
  %".156" = fsub <4 x float> %".154", %".100"
  %".157" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".156")
  %".158" = fadd <4 x float> %".155", %".157"
  store <4 x float> %".158", ptr %".63"
  %".160" = load <4 x float>, ptr %".65"
  %".161" = fsub <4 x float> %".154", %".103"
  %".162" = call <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".161")
  %".163" = fadd <4 x float> %".160", %".162"
  store <4 x float> %".163", ptr %".65"
  %".165" = add i64 %"t", 1
  br label %"t.head"
t.done:
  %".167" = load <4 x float>, ptr %".51"
  %".168" = load <4 x float>, ptr %".53"
  %".169" = load <4 x float>, ptr %".55"
  %".170" = load <4 x float>, ptr %".57"
  %".171" = load <4 x float>, ptr %".59"
  %".172" = load <4 x float>, ptr %".61"
  %".173" = load <4 x float>, ptr %".63"
  %".174" = load <4 x float>, ptr %".65"
  br i1 %".35", label %"t.done.if", label %"t.done.else"
t.done.if:
  %".176" = mul i64 %"panel", 8
  %".180" = add i64 %".40", 0
  %".181" = getelementptr float, ptr %".179", i64 %".180"
  %".182" = load float, ptr %".181", align 4
  %".183" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".182", i32 0
  %".184" = shufflevector <4 x float> %".183", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".185" = fcmp ule <4 x float> %".167", %".184"
  %".186" = fcmp ule <4 x float> %".168", %".184"
  %".187" = or <4 x i1> %".185", %".186"
  %".188" = bitcast <4 x i1> %".187" to i4
  %".189" = icmp ne i4 %".188", 0
  %".190" = zext i1 %".189" to i64
  %".191" = shl i64 %".190", 0
  %".192" = or i64 0, %".191"
  %".193" = add i64 %".40", 1
  %".194" = getelementptr float, ptr %".179", i64 %".193"
  %".195" = load float, ptr %".194", align 4
  %".196" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".195", i32 0
  %".197" = shufflevector <4 x float> %".196", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".198" = fcmp ule <4 x float> %".169", %".197"
  %".199" = fcmp ule <4 x float> %".170", %".197"
  %".200" = or <4 x i1> %".198", %".199"
  %".201" = bitcast <4 x i1> %".200" to i4
  %".202" = icmp ne i4 %".201", 0
  %".203" = zext i1 %".202" to i64
  %".204" = shl i64 %".203", 1
  %".205" = or i64 %".192", %".204"
  %".206" = add i64 %".40", 2
  %".207" = getelementptr float, ptr %".179", i64 %".206"
  %".208" = load float, ptr %".207", align 4
  %".209" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".208", i32 0
  %".210" = shufflevector <4 x float> %".209", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".211" = fcmp ule <4 x float> %".171", %".210"
  %".212" = fcmp ule <4 x float> %".172", %".210"
  %".213" = or <4 x i1> %".211", %".212"
  %".214" = bitcast <4 x i1> %".213" to i4
  %".215" = icmp ne i4 %".214", 0
  %".216" = zext i1 %".215" to i64
  %".217" = shl i64 %".216", 2
  %".218" = or i64 %".205", %".217"
  %".219" = add i64 %".40", 3
  %".220" = getelementptr float, ptr %".179", i64 %".219"
  %".221" = load float, ptr %".220", align 4
  %".222" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".221", i32 0
  %".223" = shufflevector <4 x float> %".222", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".224" = fcmp ule <4 x float> %".173", %".223"
  %".225" = fcmp ule <4 x float> %".174", %".223"
  %".226" = or <4 x i1> %".224", %".225"
  %".227" = bitcast <4 x i1> %".226" to i4
  %".228" = icmp ne i4 %".227", 0
  %".229" = zext i1 %".228" to i64
  %".230" = shl i64 %".229", 3
  %".231" = or i64 %".218", %".230"
  %".232" = sub i64 %".16", %".40"
  %".233" = icmp slt i64 %".232", 4
  %".234" = select  i1 %".233", i64 %".232", i64 4
  %".235" = shl i64 1, %".234"
  %".236" = sub i64 %".235", 1
  %".237" = and i64 %".231", %".236"
  %".238" = icmp ne i64 %".237", 0
  br i1 %".238", label %"t.done.if.if", label %"t.done.if.endif", !prof !0
t.done.else:
  %".539" = getelementptr float, ptr %".50", i64 0
  store <4 x float> %".167", ptr %".539", align 4
  %".541" = getelementptr float, ptr %".50", i64 4
  store <4 x float> %".168", ptr %".541", align 4
  %".543" = getelementptr float, ptr %".50", i64 8
  store <4 x float> %".169", ptr %".543", align 4
  %".545" = getelementptr float, ptr %".50", i64 12
  store <4 x float> %".170", ptr %".545", align 4
  %".547" = getelementptr float, ptr %".50", i64 16
  store <4 x float> %".171", ptr %".547", align 4
  %".549" = getelementptr float, ptr %".50", i64 20
  store <4 x float> %".172", ptr %".549", align 4
  %".551" = getelementptr float, ptr %".50", i64 24
  store <4 x float> %".173", ptr %".551", align 4
  %".553" = getelementptr float, ptr %".50", i64 28
  store <4 x float> %".174", ptr %".553", align 4
  br label %"t.done.endif"
t.done.endif:
  %".556" = add i64 %"tile", 1
  br label %"tile.head"
t.done.if.if:
  %".240" = getelementptr float, ptr %".11", i64 0
  store <4 x float> %".167", ptr %".240", align 4
  %".242" = getelementptr float, ptr %".11", i64 4
  store <4 x float> %".168", ptr %".242", align 4
  %".244" = getelementptr float, ptr %".11", i64 8
  store <4 x float> %".169", ptr %".244", align 4
  %".246" = getelementptr float, ptr %".11", i64 12
  store <4 x float> %".170", ptr %".246", align 4
  %".248" = getelementptr float, ptr %".11", i64 16
  store <4 x float> %".171", ptr %".248", align 4
  %".250" = getelementptr float, ptr %".11", i64 20
  store <4 x float> %".172", ptr %".250", align 4
  %".252" = getelementptr float, ptr %".11", i64 24
  store <4 x float> %".173", ptr %".252", align 4
  %".254" = getelementptr float, ptr %".11", i64 28
  store <4 x float> %".174", ptr %".254", align 4
  store i64 %".237", ptr %".256"
  br label %"bit.head"
t.done.if.endif:
  br label %"t.done.endif"
bit.head:
  %".259" = load i64, ptr %".256"
  %".260" = icmp ne i64 %".259", 0
  br i1 %".260", label %"bit.body", label %"bit.done"
bit.body:
  %".262" = load i64, ptr %".256"
  %".263" = sub i64 %".262", 1
  %".264" = and i64 %".262", %".263"
  store i64 %".264", ptr %".256"
  %".266" = call i64 @"llvm.cttz.i64"(i64 %".262", i1 1)
  %".267" = add i64 %".40", %".266"
  %".268" = getelementptr float, ptr %".179", i64 %".267"
  %".269" = load float, ptr %".268", align 4
  %".270" = add i64 %".266", 0
  %".271" = mul i64 %".270", 8
  %".272" = add i64 %".271", 0
  %".273" = getelementptr float, ptr %".11", i64 %".272"
  %".274" = load <4 x float>, ptr %".273", align 4
  %".275" = add i64 %".176", 0
  %".276" = sitofp i64 %".14" to float
  %".277" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".276", i32 0
  %".278" = shufflevector <4 x float> %".277", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".279" = getelementptr float, ptr %".12", i64 0
  store <4 x float> %".274", ptr %".279", align 4
  %".281" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".269", i32 0
  %".282" = shufflevector <4 x float> %".281", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".283" = fcmp ule <4 x float> %".274", %".282"
  %".284" = bitcast <4 x i1> %".283" to i4
  %".285" = zext i4 %".284" to i64
  %".286" = shl i64 %".285", 0
  %".287" = or i64 0, %".286"
  %".288" = add i64 %".266", 0
  %".289" = mul i64 %".288", 8
  %".290" = add i64 %".289", 4
  %".291" = getelementptr float, ptr %".11", i64 %".290"
  %".292" = load <4 x float>, ptr %".291", align 4
  %".293" = add i64 %".176", 4
  %".294" = sitofp i64 %".14" to float
  %".295" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".294", i32 0
  %".296" = shufflevector <4 x float> %".295", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".297" = getelementptr float, ptr %".12", i64 4
  store <4 x float> %".292", ptr %".297", align 4
  %".299" = insertelement <4 x float> <float undef, float undef, float undef, float undef>, float %".269", i32 0
  %".300" = shufflevector <4 x float> %".299", <4 x float> <float undef, float undef, float undef, float undef>, <4 x i32> <i32 0, i32 0, i32 0, i32 0>
  %".301" = fcmp ule <4 x float> %".292", %".300"
  %".302" = bitcast <4 x i1> %".301" to i4
  %".303" = zext i4 %".302" to i64
  %".304" = shl i64 %".303", 4
  %".305" = or i64 %".287", %".304"
  %".306" = icmp ne i64 %".305", 0
  br i1 %".306", label %"bit.body.if", label %"bit.body.endif", !prof !0
bit.done:
  br label %"t.done.if.endif"
bit.body.if:
  %".315" = mul i64 %".267", %".309"
  %".316" = getelementptr float, ptr %".314", i64 %".315"
  %".320" = mul i64 %".267", %".311"
  %".321" = getelementptr float, ptr %".319", i64 %".320"
  %".325" = mul i64 %".267", %".311"
  %".326" = getelementptr i64, ptr %".324", i64 %".325"
  store i64 %".305", ptr %".327"
  br label %"bit.head.1"
bit.body.endif:
  br label %"bit.head"
bit.head.1:
  %".330" = load i64, ptr %".327"
  %".331" = icmp ne i64 %".330", 0
  br i1 %".331", label %"bit.body.1", label %"bit.done.1"
bit.body.1:
  %".333" = load i64, ptr %".327"
  %".334" = sub i64 %".333", 1
  %".335" = and i64 %".333", %".334"
  store i64 %".335", ptr %".327"
  %".337" = call i64 @"llvm.cttz.i64"(i64 %".333", i1 1)
  %".338" = getelementptr float, ptr %".12", i64 %".337"
  %".339" = load float, ptr %".338", align 4
  %".340" = add i64 %".176", %".337"
  %".341" = getelementptr float, ptr %".179", i64 %".267"
  %".342" = load float, ptr %".341", align 4
  %".343" = fcmp ule float %".339", %".342"
  %".346" = icmp slt i64 %".340", %".345"
  %".347" = and i1 %".343", %".346"
  %".351" = getelementptr i64, ptr %".350", i64 %".267"
  %".352" = load i64, ptr %".351", align 8
  %".353" = icmp eq i64 %".352", 0
  %".354" = and i1 %".347", %".353"
  br i1 %".354", label %"bit.body.1.if", label %"bit.body.1.endif"
bit.done.1:
  br label %"bit.body.endif"
bit.body.1.if:
  %".358" = icmp eq i64 %".357", 0
  store i1 %".358", ptr %".359"
  %".361" = xor i1 %".358", -1
  br i1 %".361", label %"bit.body.1.if.if", label %"bit.body.1.if.endif"
bit.body.1.endif:
  br label %"bit.head.1"
bit.body.1.if.if:
  %".365" = mul i64 %".267", %".364"
  %".366" = add i64 %".365", %".340"
  %".368" = getelementptr i8, ptr %".367", i64 %".366"
  %".369" = load i8, ptr %".368", align 1
  %".370" = icmp ne i8 %".369", 0
  store i1 %".370", ptr %".359"
  br label %"bit.body.1.if.endif"
bit.body.1.if.endif:
  %".373" = load i1, ptr %".359"
  br i1 %".373", label %"bit.body.1.if.endif.if", label %"bit.body.1.if.endif.endif"
bit.body.1.if.endif.if:
  %".378" = getelementptr i64, ptr %".377", i64 %".267"
  %".379" = load i64, ptr %".378"
  %".380" = fcmp ord float %".339", %".339"
  %".381" = icmp slt i64 %".379", %".309"
  %".382" = and i1 %".380", %".381"
  %".383" = icmp eq i64 %".379", %".309"
  %".384" = and i1 %".380", %".383"
  %".385" = getelementptr float, ptr %".316", i64 0
  %".386" = load float, ptr %".385", align 4
  %".387" = fcmp olt float %".339", %".386"
  %".388" = and i1 %".384", %".387"
  br i1 %".382", label %"bit.body.1.if.endif.if.if", label %"bit.body.1.if.endif.if.endif"
bit.body.1.if.endif.endif:
  br label %"bit.body.1.endif"
bit.body.1.if.endif.if.if:
  store i64 %".379", ptr %".390"
  br label %"rise.head"
bit.body.1.if.endif.if.endif:
  br i1 %".388", label %"bit.body.1.if.endif.if.endif.if", label %"bit.body.1.if.endif.if.endif.endif"
rise.head:
  %".393" = load i64, ptr %".390"
  %".394" = sub i64 %".393", 1
  %".395" = sdiv i64 %".394", 2
  %".396" = icmp sgt i64 %".393", 0
  %".397" = select  i1 %".396", i64 %".395", i64 0
  %".398" = getelementptr float, ptr %".316", i64 %".397"
  %".399" = load float, ptr %".398", align 4
  %".400" = icmp sgt i64 %".393", 0
  %".401" = fcmp olt float %".399", %".339"
  %".402" = and i1 %".400", %".401"
  br i1 %".402", label %"rise.body", label %"rise.done"
rise.body:
  %".404" = load i64, ptr %".390"
  %".405" = sub i64 %".404", 1
  %".406" = sdiv i64 %".405", 2
  %".407" = getelementptr float, ptr %".316", i64 %".406"
  %".408" = load float, ptr %".407", align 4
  %".409" = getelementptr float, ptr %".316", i64 %".404"
  store float %".408", ptr %".409", align 4
  store i64 %".406", ptr %".390"
  br label %"rise.head"
rise.done:
  %".413" = load i64, ptr %".390"
  %".414" = getelementptr float, ptr %".316", i64 %".413"
  store float %".339", ptr %".414", align 4
  %".416" = add i64 %".379", 1
  store i64 %".416", ptr %".378"
  br label %"bit.body.1.if.endif.if.endif"
bit.body.1.if.endif.if.endif.if:
  store i64 0, ptr %".420"
  store i64 0, ptr %".422"
  br label %"sink.head"
bit.body.1.if.endif.if.endif.endif:
  %".457" = getelementptr i64, ptr %".377", i64 %".267"
  %".458" = load i64, ptr %".457", align 8
  %".459" = icmp eq i64 %".458", %".309"
  br i1 %".459", label %"bit.body.1.if.endif.if.endif.endif.if", label %"bit.body.1.if.endif.if.endif.endif.endif"
sink.head:
  %".425" = load i64, ptr %".420"
  %".426" = mul i64 %".425", 2
  %".427" = add i64 %".426", 1
  %".428" = add i64 %".427", 1
  %".429" = icmp slt i64 %".427", %".309"
  %".430" = select  i1 %".429", i64 %".427", i64 0
  %".431" = icmp slt i64 %".428", %".309"
  %".432" = select  i1 %".431", i64 %".428", i64 %".430"
  %".433" = getelementptr float, ptr %".316", i64 %".432"
  %".434" = load float, ptr %".433", align 4
  %".435" = getelementptr float, ptr %".316", i64 %".430"
  %".436" = load float, ptr %".435", align 4
  %".437" = fcmp ogt float %".434", %".436"
  %".438" = select  i1 %".437", i64 %".432", i64 %".430"
  store i64 %".438", ptr %".422"
  %".440" = getelementptr float, ptr %".316", i64 %".438"
  %".441" = load float, ptr %".440", align 4
  %".442" = fcmp ogt float %".441", %".339"
  %".443" = and i1 %".429", %".442"
  br i1 %".443", label %"sink.body", label %"sink.done"
sink.body:
  %".445" = load i64, ptr %".422"
  %".446" = getelementptr float, ptr %".316", i64 %".445"
  %".447" = load float, ptr %".446", align 4
  %".448" = load i64, ptr %".420"
  %".449" = getelementptr float, ptr %".316", i64 %".448"
  store float %".447", ptr %".449", align 4
  store i64 %".445", ptr %".420"
  br label %"sink.head"
sink.done:
  %".453" = load i64, ptr %".420"
  %".454" = getelementptr float, ptr %".316", i64 %".453"
  store float %".339", ptr %".454", align 4
  br label %"bit.body.1.if.endif.if.endif.endif"
bit.body.1.if.endif.if.endif.endif.if:
  %".461" = getelementptr float, ptr %".316", i64 0
  %".462" = load float, ptr %".461", align 4
  %".470" = getelementptr float, ptr %".469", i64 %".267"
  %".471" = load float, ptr %".470", align 4
  %".472" = fmul float %".462", %".466"
  %".473" = fadd float %".472", %".471"
  %".474" = getelementptr float, ptr %".179", i64 %".267"
  store float %".473", ptr %".474", align 4
  br label %"bit.body.1.if.endif.if.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif:
  %".480" = getelementptr i64, ptr %".479", i64 %".267"
  %".481" = load i64, ptr %".480"
  %".482" = icmp eq i64 %".481", %".311"
  br i1 %".482", label %"bit.body.1.if.endif.if.endif.endif.endif.if", label %"bit.body.1.if.endif.if.endif.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif.if:
  %".484" = getelementptr float, ptr %".179", i64 %".267"
  %".485" = load float, ptr %".484", align 4
  store i64 0, ptr %".486"
  br label %"c.head"
bit.body.1.if.endif.if.endif.endif.endif.endif:
  %".519" = load i64, ptr %".480"
  %".520" = icmp slt i64 %".519", %".311"
  br i1 %".520", label %"bit.body.1.if.endif.if.endif.endif.endif.endif.if", label %"bit.body.1.if.endif.if.endif.endif.endif.endif.endif"
c.head:
  %"c" = phi  i64 [0, %"bit.body.1.if.endif.if.endif.endif.endif.if"], [%".505", %"c.body.endif"]
  %".489" = icmp slt i64 %"c", %".311"
  br i1 %".489", label %"c.body", label %"c.done"
c.body:
  %".491" = getelementptr float, ptr %".321", i64 %"c"
  %".492" = load float, ptr %".491", align 4
  %".493" = fcmp ule float %".492", %".485"
  br i1 %".493", label %"c.body.if", label %"c.body.endif"
c.done:
  %".507" = load i64, ptr %".486"
  store i64 %".507", ptr %".480"
  %".509" = sdiv i64 %".311", 4
  %".510" = sub i64 %".311", %".509"
  %".511" = icmp sgt i64 %".507", %".510"
  br i1 %".511", label %"c.done.if", label %"c.done.endif"
c.body.if:
  %".495" = load i64, ptr %".486"
  %".496" = getelementptr float, ptr %".321", i64 %".495"
  store float %".492", ptr %".496", align 4
  %".498" = getelementptr i64, ptr %".326", i64 %"c"
  %".499" = load i64, ptr %".498", align 8
  %".500" = getelementptr i64, ptr %".326", i64 %".495"
  store i64 %".499", ptr %".500", align 8
  %".502" = add i64 %".495", 1
  store i64 %".502", ptr %".486"
  br label %"c.body.endif"
c.body.endif:
  %".505" = add i64 %"c", 1
  br label %"c.head"
c.done.if:
  %".513" = getelementptr i64, ptr %".350", i64 %".267"
  store i64 1, ptr %".513", align 8
  %".515" = getelementptr float, ptr %".179", i64 %".267"
  store float 0xfff0000000000000, ptr %".515", align 4
  br label %"c.done.endif"
c.done.endif:
  br label %"bit.body.1.if.endif.if.endif.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif.endif.if:
  %".522" = getelementptr float, ptr %".321", i64 %".519"
  store float %".339", ptr %".522", align 4
  %".526" = add i64 %".340", %".525"
  %".527" = getelementptr i64, ptr %".326", i64 %".519"
  store i64 %".526", ptr %".527", align 8
  %".529" = add i64 %".519", 1
  store i64 %".529", ptr %".480"
  br label %"bit.body.1.if.endif.if.endif.endif.endif.endif.endif"
bit.body.1.if.endif.if.endif.endif.endif.endif.endif:
  br label %"bit.body.1.if.endif.endif"
}

declare <4 x float> @"llvm.fabs.v4f32"(<4 x float> %".1")

declare i64 @"llvm.cttz.i64"(i64 %".1", i1 %".2")

!0 = !{ !"branch_weights", i32 1, i32 99 }
